import Greylist
import Whitelists

/// Reads sqlgrey's `clients_fqdn_whitelist` and `clients_ip_whitelist`, an entry a line.
enum SQLgreyList {
    /// A name, `*.domain`, or `/expression/`.
    static func readName(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let word = line.extracting(line.withoutComment)
        guard word.count > 0 else { return outlet.skip() }
        let slash = UInt8(ascii: "/")
        let condition: Condition?
        if word.count > 2, word[0] == slash, word[word.count - 1] == slash {
            condition = ListedCondition.pattern(.clientName, word.extracting(1..<word.count - 1))
        } else {
            condition = ListedCondition.clientName(word)
        }
        guard let condition else { return outlet.leaveOut(.condition, shown(word)) }
        outlet.take(condition, comment: line.comment)
    }

    /// An address, three octets, or a network.
    static func readAddress(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let word = line.extracting(line.withoutComment)
        guard word.count > 0 else { return outlet.skip() }
        guard let condition = ListedCondition.client(word) else { return outlet.leaveOut(.condition, shown(word)) }
        outlet.take(condition, comment: line.comment)
    }
}

/// Reads a table of cidr_table(5).
///
/// The first line that matches decides there, as the first entry does here: `permit` lets pass, and what is decided
/// otherwise before it becomes an exception. Negated patterns and the lines between `if` and `endif` are left out.
struct CIDRTable {
    /// How many `if` are open.
    private var depth = 0
    /// What became of the logical line that goes on with an indented one.
    private var isContinued = false

    mutating func read(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let text = line.extracting(line.trimmed)
        if text.count == 0 || text[0] == UInt8(ascii: "#") { return outlet.skip() }
        if line[0].isBlank, isContinued { return outlet.skip() }
        isContinued = true
        let words = text.words
        let word = text.extracting(words[0])
        if word.isSame(as: "endif") {
            depth = max(0, depth - 1)
            return outlet.leaveOut(.noEquivalent, "endif")
        }
        if word.isSame(as: "if") {
            depth += 1
            return outlet.leaveOut(.noEquivalent, "if")
        }
        if depth > 0 { return outlet.leaveOut(.noEquivalent, "a line between if and endif") }
        if word[0] == UInt8(ascii: "!") { return outlet.leaveOut(.noEquivalent, "a negated pattern") }
        guard words.count > 1 else { return outlet.leaveOut(.malformed) }
        guard let network = ClientText.network(word) else { return outlet.leaveOut(.condition, shown(word)) }
        let result = text.extracting(words[1])
        if result.isSame(as: "permit") || result.isSame(as: "ok") {
            outlet.take(.client(network))
        } else if result.isSame(as: "reject") || result.isSame(as: "dunno") {
            outlet.take(.client(network), effect: .greylist)
        } else {
            outlet.leaveOut(.noEquivalent, shown(result))
        }
    }
}

extension Span<UInt8> {
    /// The place of what stands before a comment, without blanks.
    fileprivate var withoutComment: Range<Int> {
        extracting(0..<(firstIndex(of: UInt8(ascii: "#")) ?? count)).trimmed
    }

    /// The comment; nil where there is none.
    fileprivate var comment: String? {
        guard let hash = firstIndex(of: UInt8(ascii: "#")) else { return nil }
        let rest = extracting(hash + 1..<count)
        let text = rest.extracting(rest.trimmed)
        return text.count > 0 ? shown(text.text) : nil
    }
}
