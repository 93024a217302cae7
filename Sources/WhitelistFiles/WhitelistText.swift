import JSONText
public import Whitelists

/// A JSON whitelist that is edited as text: all but the entry that comes or goes stays as the administrator wrote it,
/// with comments, order and indentation.
public struct WhitelistText: Sendable {
    /// The text.
    public private(set) var bytes: [UInt8]
    private let path: String
    private var layout: Layout

    /// Reads a file's text; nothing but blanks is a file without lists.
    public init(path: String, bytes: [UInt8]) throws(WhitelistError) {
        let isBlank = bytes.allSatisfy(\.isBlank)
        self.path = path
        self.bytes = isBlank ? Array("{}\n".utf8) : bytes
        layout = try Self.layout(of: self.bytes, path)
    }

    /// Adds an entry to a list, which is made if need be; false where it is there already.
    ///
    /// - Parameter isFirst: whether it is to stand before all others rather than behind them
    public mutating func add(_ entry: WhitelistEntry, to list: String, isFirst: Bool) throws(WhitelistError) -> Bool {
        guard let target = try array(list) else {
            try replace { (layout) throws(JSONError) in
                let newline = layout.newline
                let inner = layout.memberIndent
                let text = "\(quoted(list)): [\(newline)\(inner)\(layout.unit)\(entry.text)\(newline)\(inner)]"
                return try layout.insertion(of: text, into: layout.root, isFirst: false)
            } expecting: { model in
                model.append(Model(key: list, elements: [entry.text]))
            }
            return true
        }
        do throws(EntryError) {
            guard try !candidates(target).holds(entry) else { return false }
        } catch {
            throw fault(list, error.message)
        }
        try replace { (layout) throws(JSONError) in
            try layout.insertion(of: entry.text, into: target, isFirst: isFirst)
        } expecting: { model in
            guard let number = model.lastIndex(where: { $0.key == list }) else { return }
            model[number].elements.insert(entry.text, at: isFirst ? 0 : model[number].elements.count)
        }
        return true
    }

    /// Removes an entry from a list; false where there is none such.
    public mutating func remove(_ choice: EntryChoice, from list: String) throws(WhitelistError) -> Bool {
        guard let target = try array(list) else { return false }
        let found: Int?
        do throws(EntryError) {
            found = try candidates(target).number(of: choice)
        } catch {
            throw fault(list, error.message)
        }
        guard let found else { return false }
        try replace { (layout) throws(JSONError) in
            try layout.removal(of: found, from: target)
        } expecting: { model in
            guard let number = model.lastIndex(where: { $0.key == list }) else { return }
            model[number].elements.remove(at: found)
        }
        return true
    }

    /// The entries of a list.
    private func candidates(_ list: Layout.Group) -> [EntryCandidate] {
        let options = SourceOptions(allowsPatterns: true, allowsWide: true)
        return list.elements.enumerated().map { number, range in
            guard case .object(let members)? = (try? JSONParser.parse(Array(bytes[range])))?.content else {
                return EntryCandidate(entry: nil, name: nil)
            }
            let entry = EntryMembers(members: members)
            return EntryCandidate(entry: try? entry.entry(options, index: number, line: nil), name: entry.ownName)
        }
    }

    /// The list of that name; of several the last, which is the one that counts.
    private func array(_ list: String) throws(WhitelistError) -> Layout.Group? {
        guard let member = layout.members.last(where: { $0.key == list }) else { return nil }
        guard let array = member.array else { throw fault(list, "it is not an array of entries") }
        return array
    }

    private func fault(_ list: String, _ message: String) -> WhitelistError {
        WhitelistError("\(bareOrQuoted(path))(\(named(list))): \(message)")
    }

    // MARK: Changes

    /// A member of the file as it is understood: what a change must leave as it is, and what it must bring about.
    private struct Model: Equatable {
        let key: String
        var elements: [String]
        /// What it is if it is no list.
        var other: String?
    }

    private mutating func replace(
        _ edit: (Layout) throws(JSONError) -> [Layout.Change], expecting change: (inout [Model]) -> Void
    ) throws(WhitelistError) {
        do throws(JSONError) {
            var expected = try Self.model(of: bytes)
            change(&expected)
            var result = bytes
            for change in try edit(layout).sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
                result.replaceSubrange(change.range, with: Array(change.text.utf8))
            }
            guard try Self.model(of: result) == expected else {
                throw JSONError(line: 1, column: 1, message: "it would mean something else")
            }
            bytes = result
        } catch {
            throw WhitelistError(
                "\(bareOrQuoted(path)): the change can't be made in this text (\(error.message)): edit it by hand")
        }
        layout = try Self.layout(of: bytes, path)
    }

    private static func model(of bytes: [UInt8]) throws(JSONError) -> [Model] {
        guard case .object(let members) = try JSONParser.parse(bytes).content else { return [] }
        return members.map { member in
            guard case .array(let nodes) = member.node.content else {
                return Model(key: member.key, elements: [], other: member.node.text)
            }
            return Model(key: member.key, elements: nodes.map(\.text))
        }
    }

    private static func layout(of bytes: [UInt8], _ path: String) throws(WhitelistError) -> Layout {
        do throws(JSONError) {
            return try Layout(bytes)
        } catch {
            let remedy = error.remedy.map { " (\($0))" } ?? ""
            throw WhitelistError("\(bareOrQuoted(path)):\(error.line): \(error)\(remedy)")
        }
    }
}
