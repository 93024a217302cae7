import Bytes
import Greylist
import JSONText
public import Whitelists

extension WhitelistEntry {
    /// The members that spell the entry: what the readers make an equal one of.
    ///
    /// The order is always the same. A network has its mask by itself, as TPRT 0.9.3 wants it; what would be too wide
    /// without saying so says that it is meant.
    var spelling: [JSONMember] {
        var members = condition.spelling
        switch effect {
        case .pass: if condition.tooWide != nil { members.append(JSONMember("allow_wide", .bool(true))) }
        case .greylist: members.append(JSONMember("greylist", .bool(true)))
        case .delay(let seconds): members.append(JSONMember("delay", .string(delayText(seconds))))
        }
        if let expires { members.append(JSONMember("expires", .string(expires.expiryText))) }
        // In an entry about an attribute, the name is the attribute's.
        if let name, !condition.hasNameOfItsOwn { members.append(JSONMember("name", .string(name))) }
        if let comment { members.append(JSONMember("comment", .string(comment))) }
        return members
    }

    /// The entry as JSON on one line; the same for all entries that are equal but for where they stand.
    public var text: String { spelling.text }
}

extension Condition {
    /// Whether `name` is taken in the spelling.
    fileprivate var hasNameOfItsOwn: Bool {
        switch self {
        case .attribute, .pattern(.attribute, _): true
        default: false
        }
    }

    /// The members that spell the condition, `type` first.
    var spelling: [JSONMember] {
        switch self {
        case .client(let network): network.spelling
        case .clientName(let domain): Self.members("remote_name", "domain", "\(domain)")
        case .heloName(let domain): Self.members("helo_name", "domain", "\(domain)")
        case .sender(let literal): Self.members("sender_literal", "sender", "\(literal)")
        case .senderDomain(let domain): Self.members("sender_domain", "domain", "\(domain)")
        case .recipient(let literal): Self.members("recipient_literal", "recipient", "\(literal)")
        case .recipientDomain(let domain): Self.members("recipient_domain", "domain", "\(domain)")
        case .pattern(let subject, let pattern):
            Self.members(subject) + [JSONMember("regex", .string(pattern.text))]
                + (pattern.isAnchored ? [] : [JSONMember("anywhere", .bool(true))])
        case .attribute(let name, let value):
            Self.members(.attribute(name)) + [JSONMember("matches", .string(value))]
        case .fact(let fact): fact.spelling
        case .all(let parts): Self.members("all", of: .array(parts.map(\.node)))
        case .any(let parts): Self.members("any", of: .array(parts.map(\.node)))
        case .not(let part): Self.members("not", of: part.node.content)
        }
    }

    private var node: JSONNode { JSONNode(.object(spelling)) }

    private static func members(_ type: String, _ member: String, _ text: String) -> [JSONMember] {
        [JSONMember("type", .string(type)), JSONMember(member, .string(text))]
    }

    private static func members(_ type: String, of content: JSONNode.Content) -> [JSONMember] {
        [JSONMember("type", .string(type)), JSONMember(key: "of", line: 1, node: JSONNode(content))]
    }

    private static func members(_ subject: Subject) -> [JSONMember] {
        switch subject {
        case .clientName: [JSONMember("type", .string("remote_regex"))]
        case .heloName: [JSONMember("type", .string("helo_regex"))]
        case .sender: [JSONMember("type", .string("sender_regex"))]
        case .recipient: [JSONMember("type", .string("recipient_regex"))]
        case .attribute(let name): members("attribute", "name", name)
        }
    }
}

extension Condition.Fact {
    fileprivate var spelling: [JSONMember] {
        switch self {
        case .genericName: [JSONMember("type", .string("client_generic"))]
        case .identity(let domain):
            [JSONMember("type", .string("identity")), JSONMember("domain", .string("\(domain)"))]
        case .proof(let proof): [JSONMember("type", .string("proof")), JSONMember("is", .string(proof.rawValue))]
        case .spf(let result): [JSONMember("type", .string("spf")), JSONMember("result", .string(result.rawValue))]
        case .listed(let list):
            [JSONMember("type", .string("dns_list")), JSONMember("zone", .string(list.zone.name))]
                + (list.answers == .all ? [] : [JSONMember("matches", .string("\(list.answers)"))])
        }
    }
}

extension Network {
    fileprivate var spelling: [JSONMember] {
        let type = address.family == .ipv4 ? "ipv4_net" : "ipv6_net"
        let net = "\(self)".prefix { $0 != "/" }
        return [
            JSONMember("type", .string(type)), JSONMember("net", .string(String(net))),
            JSONMember("mask", .int(prefixLength)),
        ]
    }
}

/// A delay in the largest unit of which it is a multiple.
private func delayText(_ seconds: Int64) -> String {
    for (unit, length) in [("d", Int64(86_400)), ("h", 3_600), ("m", 60)] where seconds.isMultiple(of: length) {
        return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
}

extension Timestamp {
    /// The moment as `expires` has it: the day at whose end it is, else the second; in UTC.
    fileprivate var expiryText: String {
        let day: Int64 = 86_400
        if seconds > 0, seconds.isMultiple(of: day) { return Self.dateText(seconds / day - 1) }
        let second = Int(seconds % day)
        let time = [second / 3_600, second / 60 % 60, second % 60].map(twoDigits).joined(separator: ":")
        return "\(Self.dateText(seconds / day))T\(time)Z"
    }

    /// `2027-01-31` of a day since 1970.
    private static func dateText(_ days: Int64) -> String {
        let date = Timestamp(seconds: days * 86_400).civilDate
        let year = String(repeating: "0", count: max(0, 4 - "\(date.year)".utf8.count)) + "\(date.year)"
        return "\(year)-\(twoDigits(date.month))-\(twoDigits(date.day))"
    }
}

private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

extension Timestamp {
    /// The moment from which on something has expired: the end of a day (`2027-01-31`), or that second
    /// (`2027-01-31T12:00:00Z`), both in UTC as RFC 3339 spells them.
    init?(expiry text: String) {
        let bytes = Array(text.utf8)
        let pattern: [UInt8] = Array((bytes.count == 10 ? "0000-00-00" : "0000-00-00T00:00:00Z").utf8)
        guard bytes.count == pattern.count else { return nil }
        for (byte, expected) in zip(bytes, pattern) {
            guard expected == UInt8(ascii: "0") ? byte.isDigit : byte == expected else { return nil }
        }
        func number(_ range: Range<Int>) -> Int {
            bytes[range].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        guard let days = daysSinceEpoch(year: number(0..<4), month: number(5..<7), day: number(8..<10)) else {
            return nil
        }
        guard bytes.count > 10 else {
            self.init(seconds: Int64(days + 1) * 86_400)
            return
        }
        let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
        guard hour < 24, minute < 60, second < 60 else { return nil }
        self.init(seconds: Int64(days * 86_400 + hour * 3_600 + minute * 60 + second))
    }
}

/// The day of a Gregorian date, counted from 1970-01-01; nil where there is no such day.
private func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard year >= 1970, (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return nil }
    let past = year - 1
    let leapDays = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
    return (year - 1970) * 365 + leapDays + lengths[..<(month - 1)].reduce(0, +) + day - 1
}
