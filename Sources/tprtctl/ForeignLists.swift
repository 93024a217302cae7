import Greylist
import Import
import WhitelistFiles

extension ForeignList {
    /// The lists of other programs that can be turned into ours.
    static var known: [ForeignList] {
        ForeignListKind.allCases.map { kind in
            ForeignList(scheme: kind.rawValue) { (path, bytes) throws(WhitelistError) in
                do throws(ImportError) {
                    let options = ImportOptions(now: Timestamp(seconds: 0))
                    return Contents(try ForeignListReading(kind, bytes, name: path, options: options))
                } catch {
                    throw WhitelistError(error.description)
                }
            }
        }
    }
}

extension ForeignList.Contents {
    init(_ reading: ForeignListReading) {
        var messages = reading.leftOut.map { line in
            (line: line.line, message: line.reason.message + (line.detail.map { ": \($0)" } ?? ""))
        }
        if reading.untold > 0, let last = messages.last {
            messages.append((line: last.line, message: "and \(reading.untold) more after it"))
        }
        self.init(entries: reading.entries, messages: messages)
    }
}
