import Greylist
import Whitelists

@testable import Import
@testable import WhitelistFiles

/// Whitelists with an entry a line: the first byte says whose list it is.
///
/// An entry that is read is spelled in JSON so that it is read back; with the line ends of DOS it is the same list; what is said
/// of other lines is on a line each.
@Sendable func checkLineList(_ input: [UInt8]) throws(BrokenPromise) {
    guard let kind = input.first.map({ Int($0) % Form.all.count }) else { return }
    let bytes = Array(input.dropFirst())
    let (entries, remarks) = Form.all[kind].read(bytes)
    try check(remarks)
    for entry in entries { try checkSpelling(of: entry) }
    guard !bytes.contains(UInt8(ascii: "\r")) else { return }
    let dos = bytes.flatMap { $0 == UInt8(ascii: "\n") ? [UInt8(ascii: "\r"), $0] : [$0] }
    let (others, _) = Form.all[kind].read(dos)
    try expect(others.map(\.text) == entries.map(\.text), "with the line ends of DOS: \(others.map(\.text))")
}

/// What list a text is.
private enum Form {
    case postgreyClients, postgreyRecipients, cidr
    case foreign(ForeignListKind)

    static let all = [Form.postgreyClients, .postgreyRecipients, .cidr] + ForeignListKind.allCases.map { .foreign($0) }

    /// The entries, and what is said of other lines.
    func read(_ bytes: [UInt8]) -> ([WhitelistEntry], remarks: [String]) {
        let collector = EntryCollector<[WhitelistEntry]>([])
        let options = SourceOptions(allowsPatterns: true, allowsWide: true)
        switch self {
        case .postgreyClients: PostgreyList(.clients, path: "list", options: options).read(bytes, into: collector)
        case .postgreyRecipients: PostgreyList(.recipients, path: "list", options: options).read(bytes, into: collector)
        case .cidr: CIDRTable(path: "list", options: options).read(bytes, into: collector)
        case .foreign(let kind):
            let options = ImportOptions(now: Timestamp(seconds: 1_796_000_000))
            do throws(ImportError) {
                let reading = try ForeignListReading(kind, bytes, name: "list", options: options)
                return (reading.entries, reading.leftOut.map(\.description))
            } catch {
                return ([], [error.description])
            }
        }
        return (collector.sink, collector.messages + collector.notes)
    }
}
