import SPF

/// Reads an answer out of the data of its records, as they are on the wire, and believes none of it.
///
/// libunbound hands out the data of each record by itself, names in it written out in full; a name that is compressed
/// nevertheless is malformed here.
struct RecordData {
    /// The most bytes that the data of an answer may have, names written out: what fits into a message (RFC 1035,
    /// section 4.2.2).
    static let limit = 64 << 10

    private let type: DNSRecordType
    private var bytes = 0
    private var addresses: [SPFAddress] = []
    /// Names, or texts.
    private var strings: [[UInt8]] = []

    /// No records yet, of a type.
    init(_ type: DNSRecordType) {
        self.type = type
    }

    /// What the records say that were added.
    var answer: DNSAnswer {
        switch type {
        case .a, .aaaa: .addresses(addresses)
        case .mx: .exchanges(strings)
        case .ptr: .names(strings)
        case .txt: .texts(strings)
        }
    }

    /// Adds a record by its data; says whether that is well-formed and all of them are short enough.
    mutating func add(_ data: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes += data.count
        guard bytes <= Self.limit else { return false }
        switch type {
        case .a, .aaaa:
            guard data.count == (type == .a ? 4 : 16), let address = SPFAddress(bytes: data) else { return false }
            addresses.append(address)
            return true
        case .mx:
            guard data.count > 2 else { return false }
            return add(string: Self.name(UnsafeBufferPointer(rebasing: data[2...])))
        case .ptr: return add(string: Self.name(data))
        case .txt: return add(string: Self.text(data))
        }
    }

    private mutating func add(string: [UInt8]?) -> Bool {
        guard let string else { return false }
        strings.append(string)
        return true
    }

    /// A name as text, without a final dot; nil where it is malformed, or something follows.
    ///
    /// That of the root is empty.
    /// A byte of a label that is a dot becomes a zero byte, so that nobody asks for the name that it would be mistaken for.
    static func name(_ data: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard data.count <= 255 else { return nil }
        var text: [UInt8] = []
        var index = 0
        while index < data.count {
            let length = Int(data[index])
            index += 1
            guard length > 0 else { return index == data.count ? text : nil }
            guard length <= 63, index + length <= data.count else { return nil }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for byte in data[index..<index + length] { text.append(byte == UInt8(ascii: ".") ? 0 : byte) }
            index += length
        }
        return nil
    }

    /// The strings of a text joined; nil where there is none, or one reaches beyond the end.
    static func text(_ data: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard !data.isEmpty else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(data.count)
        var index = 0
        while index < data.count {
            let end = index + 1 + Int(data[index])
            guard end <= data.count else { return nil }
            text.append(contentsOf: data[(index + 1)..<end])
            index = end
        }
        return text
    }
}
