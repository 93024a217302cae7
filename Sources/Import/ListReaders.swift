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
