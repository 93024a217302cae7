import FoundationEssentials
public import Greylist

/// A whitelist file: a JSON object whose keys are names of lists and whose values are lists of entries, as TPRT 0.9.3
/// had it; comments and trailing commas are allowed.
public struct WhitelistFile: Sendable, Equatable {
    /// The entries that could be read, by the names of their lists and then in order.
    public private(set) var entries: [Whitelist.Entry] = []
    /// What was skipped, a sentence each.
    public private(set) var skipped: [String] = []

    /// Why a whole file can't be read.
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The complaint, with the file's name.
        public let description: String
    }

    /// Reads the file at that path.
    public init(path: String) throws(Fault) {
        do {
            try self.init(Data(contentsOf: URL(filePath: path)), path: path)
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(description: "\(path): \(reason(error))")
        }
    }

    /// Reads a text; `path` says where it is from.
    public init(text: String, path: String) throws(Fault) {
        try self.init(Data(text.utf8), path: path)
    }

    private init(_ text: Data, path: String) throws(Fault) {
        let lists: [String: [Lenient]]
        do {
            let decoder = JSONDecoder()
            decoder.allowsJSON5 = true
            lists = try decoder.decode([String: [Lenient]].self, from: text)
        } catch {
            throw Fault(description: "\(path): \(reason(error))")
        }
        for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
            for (index, lenient) in list.enumerated() {
                var place = "\(path):\(name)[\(index)]"
                do throws(EntryFault) {
                    let entry = try lenient.entry.get()
                    if let name = entry.name { place += ":\(name)" }
                    entries.append(Whitelist.Entry(try entry.pattern(), place: place))
                } catch {
                    skipped.append("\(place) was skipped: \(error.sentence)")
                }
            }
        }
    }
}

/// An entry, or what is wrong with it: a malformed entry must not cost the others.
private struct Lenient: Decodable {
    let entry: Result<EntryObject, EntryFault>

    init(from decoder: any Decoder) {
        do {
            entry = .success(try EntryObject(from: decoder))
        } catch {
            entry = .failure(EntryFault(sentence: reason(error)))
        }
    }
}

/// The complaint in one line, as much of it as the library gives.
private func reason(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return (error as? CocoaError)?.summary ?? "\(error)" }
    switch error {
    case .keyNotFound(let key, _): return "\"\(key.stringValue)\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
        let place = context.codingPath.map(\.stringValue).joined(separator: ".")
        return "\(place.isEmpty ? "" : "\(place): ")\(context.debugDescription)"
    case .dataCorrupted(let context):
        let cause = (context.underlyingError as? CocoaError)?.userInfo["NSDebugDescription"] as? String
        return "not JSON: \(cause ?? context.debugDescription)"
    @unknown default: return "\(error)"
    }
}

extension CocoaError {
    fileprivate var summary: String {
        if code == .fileReadNoSuchFile { return "there is no such file" }
        if code == .fileReadNoPermission { return "no permission to read it" }
        return "it can't be read (\(code))"
    }
}
