public import Greylist
import JSONText

/// A whitelist file: a JSON object whose keys are names of lists and whose values are lists of entries.
///
/// Comments and trailing commas are allowed. What is malformed is skipped, and the rest stand.
public struct WhitelistFile: Sendable, Equatable {
    /// The most bytes that a file may have: 256 MiB.
    public static let sizeLimit = 256 << 20

    /// The entries that could be read, in the order of the file.
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
        let bytes: [UInt8]
        do {
            bytes = try contents(of: path, limit: Self.sizeLimit)
        } catch {
            throw Fault(description: "\(bareOrQuoted(path)): \(error.sentence)")
        }
        try self.init(bytes, path: path)
    }

    /// Reads a text; `path` says where it is from.
    public init(text: String, path: String) throws(Fault) {
        try self.init(Array(text.utf8), path: path)
    }

    private init(_ bytes: [UInt8], path: String) throws(Fault) {
        let path = bareOrQuoted(path)
        let root: JSONNode
        do {
            root = try JSONParser.parse(bytes)
        } catch {
            let remedy = error.remedy.map { " (\($0))" } ?? ""
            throw Fault(description: "\(path):\(error.line): \(error.sentence)\(remedy)")
        }
        guard case .object(let lists) = root.content else {
            let found = "\(root.value.found) at column \(root.column)"
            throw Fault(description: "\(path):\(root.line): \(found) is not an object of lists ({\"friends\": []})")
        }
        let standing = lists.standing
        for (index, list) in lists.enumerated() {
            let last = standing[list.key] ?? index
            add(list, replacement: last == index ? nil : lists[last], path: path)
        }
    }

    /// Adds the entries of a list; one that stands in the file again is given up for its `replacement`.
    private mutating func add(_ list: JSONMember, replacement: JSONMember?, path: String) {
        let name = named(list.key)
        let place = "\(path):\(list.line)(\(name))"
        if let replacement {
            skipped.append("\(place) was skipped: a list of that name stands in line \(replacement.line) again")
            return
        }
        guard case .array(let nodes) = list.node.content else {
            skipped.append("\(place) was skipped: \(list.node.value.found) is not a list of entries")
            return
        }
        for (index, node) in nodes.enumerated() {
            add(node, start: "\(path):\(node.line)(\(name)", index: index)
        }
    }

    /// Adds an entry; its place is `PATH:LINE(LIST:NAME)`, or without a name `PATH:LINE(LIST[INDEX])`.
    private mutating func add(_ node: JSONNode, start: String, index: Int) {
        var place = "\(start)[\(index)])"
        guard case .object(let members) = node.value else {
            skipped.append("\(place) was skipped: \(node.value.found) is not an entry ({\"type\": ...})")
            return
        }
        let object = EntryObject(members: members)
        if let name = object.name { place = "\(start):\(named(name)))" }
        do {
            entries.append(Whitelist.Entry(try object.pattern(), place: place))
        } catch {
            skipped.append("\(place) was skipped: \(error.sentence)")
        }
    }
}
