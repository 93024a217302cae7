import JSONText

/// Something that is said of an entry.
struct EntryRemark: Sendable, Equatable {
    /// Where the entry stands.
    let location: String
    let message: String
    /// Whether the entry was skipped; else it was taken.
    let isFault: Bool

    var text: String { isFault ? "\(location) was skipped: \(message)" : "\(location): \(message)" }

    /// The same for all remarks that differ only in names and numbers.
    fileprivate var kind: String {
        var (kind, isQuoted, isEscaped) = ("", false, false)
        var text = message[...]
        // Many begin with the name: "com is a top-level domain".
        if let space = text.firstIndex(of: " "), text[space...].hasPrefix(" is ") { text = text[space...] }
        for character in text.unicodeScalars {
            if isQuoted {
                if isEscaped || character == "\\" { isEscaped.toggle() } else if character == "\"" { isQuoted = false }
            } else if character == "\"" {
                isQuoted = true
            } else if !("0"..."9").contains(character) {
                kind.unicodeScalars.append(character)
            }
        }
        // Names and addresses that aren't quoted.
        let words = kind.split(separator: " ").filter { word in
            !word.dropLast().contains { $0 == "." || $0 == "@" || $0 == "/" }
        }
        return "\(isFault) \(words.joined(separator: " "))"
    }
}

/// Remarks of one kind, told once with their number: a list with hundreds of the same fault has one line in the log.
struct RemarkDigest: Sendable {
    private struct Group: Sendable {
        let first: EntryRemark
        var count: Int
    }

    private var groups: [String: Group] = [:]
    private var order: [String] = []
    /// Those of further kinds.
    private var untold = 0

    /// Adds a remark.
    mutating func add(_ remark: EntryRemark) {
        add(Group(first: remark, count: 1), kind: remark.kind)
    }

    /// Adds all of another digest.
    mutating func add(_ other: RemarkDigest) {
        for kind in other.order { if let group = other.groups[kind] { add(group, kind: kind) } }
        untold += other.untold
    }

    private mutating func add(_ group: Group, kind: String) {
        if groups[kind] != nil {
            groups[kind]?.count += group.count
        } else if order.count < WhitelistLimits.messages {
            groups[kind] = group
            order.append(kind)
        } else {
            untold += group.count
        }
    }

    /// A sentence for each kind, in the order in which they were met: of what was skipped, or of what was taken.
    func messages(ofFaults: Bool) -> [String] {
        var messages: [String] = []
        for group in order.lazy.compactMap({ groups[$0] }) where group.first.isFault == ofFaults {
            guard group.count > 1 else {
                messages.append(group.first.text)
                continue
            }
            let more = counted(group.count - 1, "more entry", "more entries")
            let (location, message) = (group.first.location, group.first.message)
            let middle = ofFaults ? " and \(more) were skipped: " : " and \(more): "
            messages.append("\(location)\(middle)\(message) (\"tprtctl whitelist check\" names each)")
        }
        return ofFaults && untold > 0 ? messages + ["and \(untold) more"] : messages
    }
}

/// Why an entry is no good: a sentence without its location.
struct EntryError: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// Why a whole source can't be read.
public struct WhitelistError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, with the name of the source.
    public let description: String

    /// A message.
    public init(_ description: String) {
        self.description = description
    }
}
