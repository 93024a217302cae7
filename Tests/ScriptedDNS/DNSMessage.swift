import Foundation

/// A record as a scripted server sends it.
public struct DNSRecord: Sendable {
    /// Its owner, as on the wire.
    public var name: [UInt8]
    /// Its type's number.
    public var type: UInt16
    /// For how many seconds it holds.
    public var ttl: UInt32
    /// Its data, whatever that is.
    public var data: [UInt8]

    /// A record with data of its own making.
    public init(_ name: String, type: UInt16, ttl: UInt32 = 300, data: [UInt8]) {
        (self.name, self.type, self.ttl, self.data) = (Self.wire(name), type, ttl, data)
    }

    /// A name on the wire: labels are what stands between dots.
    public static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + $0.utf8 } + [0]
    }

    /// An address of either family.
    public static func address(_ name: String, _ address: String, ttl: UInt32 = 300) -> DNSRecord {
        let isIPv6 = address.contains(":")
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        precondition(inet_pton(isIPv6 ? AF_INET6 : AF_INET, address, &bytes) == 1, "\(address) is not an address")
        return DNSRecord(name, type: isIPv6 ? 28 : 1, ttl: ttl, data: bytes)
    }

    /// A text, in as many strings as it takes.
    public static func text(_ name: String, _ text: String, ttl: UInt32 = 300) -> DNSRecord {
        var (data, rest) = ([UInt8](), Array(text.utf8)[...])
        repeat {
            let part = rest.prefix(255)
            data += [UInt8(part.count)] + part
            rest = rest.dropFirst(255)
        } while !rest.isEmpty
        return DNSRecord(name, type: 16, ttl: ttl, data: data)
    }

    /// A mail exchanger.
    public static func exchange(_ name: String, _ host: String, ttl: UInt32 = 300) -> DNSRecord {
        DNSRecord(name, type: 15, ttl: ttl, data: [0, 10] + wire(host))
    }

    /// The name of an address.
    public static func pointer(_ name: String, _ host: String, ttl: UInt32 = 300) -> DNSRecord {
        DNSRecord(name, type: 12, ttl: ttl, data: wire(host))
    }

    /// Another name for a name.
    public static func alias(_ name: String, _ target: String, ttl: UInt32 = 300) -> DNSRecord {
        DNSRecord(name, type: 5, ttl: ttl, data: wire(target))
    }

    /// The start of a zone, by which a negative answer says how long it holds.
    public static func start(_ name: String, ttl: UInt32 = 300) -> DNSRecord {
        let numbers = [UInt32(1), 3_600, 600, 86_400, ttl].flatMap { [$0 >> 24, $0 >> 16, $0 >> 8, $0] }
        return DNSRecord(
            name, type: 6, ttl: ttl,
            data: wire("ns.\(name)") + wire("admin.\(name)") + numbers.map { UInt8(truncatingIfNeeded: $0) })
    }
}

/// What a scripted server is asked.
public struct DNSRequest: Sendable, Hashable {
    /// The name in lower case, without a final dot.
    public let name: String
    /// The number of the type.
    public let type: UInt16
    /// Whether it came over TCP.
    public let isTCP: Bool

    let id: [UInt8]
    /// The question as it was sent, in the case in which it was.
    let question: [UInt8]

    init?(_ message: [UInt8], isTCP: Bool) {
        guard message.count > 16 else { return nil }
        var (labels, index) = ([String](), 12)
        while index < message.count, message[index] > 0, message[index] < 64 {
            let end = index + 1 + Int(message[index])
            guard end < message.count else { return nil }
            labels.append(String(decoding: message[(index + 1)..<end], as: UTF8.self).lowercased())
            index = end
        }
        guard index + 5 <= message.count else { return nil }
        id = Array(message[..<2])
        question = Array(message[12..<(index + 5)])
        name = labels.joined(separator: ".")
        type = UInt16(message[index + 1]) << 8 | UInt16(message[index + 2])
        self.isTCP = isTCP
    }
}

/// What a scripted server says.
public struct DNSResponse: Sendable {
    /// Whether the name exists, and so on.
    public var code: UInt8 = 0
    /// The answers.
    public var records: [DNSRecord] = []
    /// The start of the zone, for negative answers.
    public var authority: [DNSRecord] = []
    /// Whether it says that it was cut.
    public var isTruncated = false
    /// Whether it has the id of another request.
    public var hasOtherID = false
    /// The question that it claims to answer, as on the wire; nil for the one that was asked.
    public var question: [UInt8]?
    /// All that follows the header, in place of what the rest says.
    public var body: [UInt8]?

    /// A response with these records.
    public init(_ records: [DNSRecord] = [], code: UInt8 = 0, authority: [DNSRecord] = []) {
        (self.records, self.code, self.authority) = (records, code, authority)
    }

    /// A response that is changed by `change`.
    public func with(_ change: (inout DNSResponse) -> Void) -> DNSResponse {
        var response = self
        change(&response)
        return response
    }

    /// The message to a request.
    func message(to request: DNSRequest) -> [UInt8] {
        var id = request.id
        if hasOtherID { id[0] ^= 0xff }
        var message = id + [0x81 | (isTruncated ? 2 : 0), 0x80 | code, 0, 1]
        for count in [records.count, authority.count, 0] {
            message += [UInt8(count >> 8), UInt8(count & 0xff)]
        }
        if let body { return message + body }
        let question = question ?? request.question
        message += question
        for record in records + authority {
            // The owner is mostly the name that was asked for: a pointer to it leaves room for data.
            let isOwner = DNSRecord.wire(request.name) == record.name
            message += isOwner && self.question == nil ? [0xc0, 12] : record.name
            message += [UInt8(record.type >> 8), UInt8(record.type & 0xff), 0, 1]
            message += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: record.ttl >> $0) }
            message += [UInt8(record.data.count >> 8), UInt8(record.data.count & 0xff)] + record.data
        }
        return message
    }
}
