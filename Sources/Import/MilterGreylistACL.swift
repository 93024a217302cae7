import Greylist
import Whitelists

/// Reads the `acl whitelist` lines in milter-greylist's configuration (greylist.conf(5)).
///
/// A line may have several conditions, which must all hold. Those that have an equivalent are `addr`, `domain`, `from`,
/// `rcpt`, `helo` and a `list` of one of them; a value between slashes is a regular expression. A line with any other is
/// left out as a whole.
struct MilterGreylistACL {
    /// The most lists, and the most values in them, that are kept.
    private static let mostValues = 100_000

    private var lists: [String: [Condition]] = [:]
    private var values = 0
    /// A line that goes on in the next, and how many lines it has so far.
    private var pending: [UInt8] = []
    private var pendingLines = 0

    mutating func read(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let isContinued = line.count > 0 && line[line.count - 1] == UInt8(ascii: "\\")
        guard pending.count + line.count <= LineSplitter.longest else {
            outlet.leaveOut(.lineTooLong, lines: pendingLines + 1)
            (pending, pendingLines) = ([], 0)
            return
        }
        pending.append(copying: line.extracting(0..<(isContinued ? line.count - 1 : line.count)))
        pendingLines += 1
        // A list may go on without a backslash, up to its closing brace.
        let isOpen = pending.span.isOpenList
        guard !isContinued, !isOpen else { return pending.append(UInt8(ascii: " ")) }
        let (whole, lines) = (pending, pendingLines)
        (pending, pendingLines) = ([], 0)
        readWhole(Words(whole.span), lines: lines, &outlet)
    }

    mutating func finish(_ outlet: inout Outlet) {
        if pendingLines > 0 { outlet.leaveOut(.incomplete, lines: pendingLines) }
        (pending, pendingLines) = ([], 0)
    }

    private mutating func readWhole(_ words: Words, lines: Int, _ outlet: inout Outlet) {
        var words = words
        guard let first = words.next()?.lowercased() else { return outlet.skip(lines: lines) }
        if first == "list" {
            outlet.skip(lines: lines)
            return readList(&words)
        }
        guard ["acl", "racl", "dacl"].contains(first) else { return outlet.skip(lines: lines) }
        if words.isQuoted { _ = words.next() }
        guard let action = words.next()?.lowercased(), action == "whitelist" else { return outlet.skip(lines: lines) }
        var parts: [Condition] = []
        while let clause = words.next()?.lowercased() {
            switch clause {
            // The rest of the line is about how it is done.
            case "nolog", "flushaddr": continue
            case "report", "addheader", "addfooter", "subjtag", "autowhite", "delay": _ = words.next()
            default:
                guard let part = condition(clause, &words) else {
                    return outlet.leaveOut(.noEquivalent, lines: lines, shown(clause))
                }
                parts.append(part)
            }
        }
        guard let condition = parts.count > 1 ? .all(parts) : parts.first else {
            return outlet.leaveOut(.noEquivalent, lines: lines, "a line without a condition")
        }
        outlet.skip(lines: lines - 1)
        outlet.take(condition)
    }

    /// Keeps `list "name" addr { 192.0.2.1 192.0.2.0/24 }`.
    private mutating func readList(_ words: inout Words) {
        guard let name = words.next(), let kind = words.next()?.lowercased(), words.next() == "{" else { return }
        var conditions: [Condition] = []
        while let value = words.next(), value != "}" {
            // A list with something else in it would stand for less than it says, so it is none.
            guard values < Self.mostValues, let condition = Self.condition(kind, value) else { return }
            conditions.append(condition)
            values += 1
        }
        lists[name] = conditions
    }

    private func condition(_ clause: String, _ words: inout Words) -> Condition? {
        guard let value = words.next() else { return nil }
        guard clause == "list" else { return Self.condition(clause, value) }
        guard let list = lists[value], !list.isEmpty else { return nil }
        return list.count > 1 ? .any(list) : list[0]
    }

    private static func condition(_ clause: String, _ value: String) -> Condition? {
        let bytes = Array(value.utf8)
        let text = bytes.span
        let isPattern = text.count > 2 && text[0] == UInt8(ascii: "/") && text[text.count - 1] == UInt8(ascii: "/")
        switch clause {
        case "addr": return ListedCondition.client(text)
        case "domain", "helo":
            if isPattern {
                return ListedCondition.pattern(
                    clause == "domain" ? .clientName : .heloName, text.extracting(1..<text.count - 1))
            }
            guard let domain = Domain(value) else { return nil }
            return clause == "domain" ? .clientName(domain) : .heloName(domain)
        case "from":
            if isPattern { return ListedCondition.pattern(.sender, text.extracting(1..<text.count - 1)) }
            return ListedCondition.sender(text)
        case "rcpt":
            if isPattern { return ListedCondition.pattern(.recipient, text.extracting(1..<text.count - 1)) }
            return ListedCondition.recipient(text)
        default: return nil
        }
    }
}

/// The words of a line of milter-greylist's: between blanks or in quotes, `{` and `}` apart, up to a `#`.
private struct Words {
    private let bytes: [UInt8]
    private var index = 0

    init(_ line: Span<UInt8>) {
        bytes = line.array
    }

    /// Whether the next word stands in quotes.
    var isQuoted: Bool {
        bytes[index...].first { !$0.isBlank } == UInt8(ascii: "\"")
    }

    mutating func next() -> String? {
        while index < bytes.count, bytes[index].isBlank { index += 1 }
        guard index < bytes.count, bytes[index] != UInt8(ascii: "#") else { return nil }
        let start = index
        switch bytes[index] {
        case UInt8(ascii: "{"), UInt8(ascii: "}"): index += 1
        case UInt8(ascii: "\""):
            let end = bytes[(start + 1)...].firstIndex(of: UInt8(ascii: "\"")) ?? bytes.count
            index = min(end + 1, bytes.count)
            return String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
        case UInt8(ascii: "/"):
            // An expression may hold blanks.
            let end = bytes[(start + 1)...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.count - 1
            index = end + 1
        default:
            while index < bytes.count, !bytes[index].isBlank, bytes[index] != UInt8(ascii: "{"),
                bytes[index] != UInt8(ascii: "}")
            {
                index += 1
            }
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }
}

extension Span<UInt8> {
    /// Whether it is a `list` whose brace isn't closed yet.
    fileprivate var isOpenList: Bool {
        let text = extracting(trimmed)
        return text.starts(with: "list") && text.firstIndex(of: UInt8(ascii: "{")) != nil
            && text.firstIndex(of: UInt8(ascii: "}")) == nil
    }
}
