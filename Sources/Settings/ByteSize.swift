import Bytes
import JSONText

/// A size in bytes.
public struct ByteSize: Sendable, Comparable {
    /// The number of bytes; not negative.
    public let bytes: Int

    /// A size; not negative.
    public init(bytes: Int) {
        self.bytes = bytes
    }

    /// So many times 1,048,576 bytes.
    public static func mebibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 20) }

    /// Whether the left one is smaller.
    public static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

extension ByteSize: SettingValue {
    static var typeName: String { "size" }

    private static let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]

    private static func refusal(of found: String) -> ValueError {
        ValueError("\(found) is not a size", remedy: "a number of bytes, or 64MiB, 1GiB")
    }

    /// Reads `1048576`, `512KiB`, `64MiB` or `1GiB`.
    init(text: String) throws(ValueError) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard let count = Int(digits), let factor = unit.isEmpty ? 1 : Self.units.first(where: { $0.0 == unit })?.1
        else { throw Self.refusal(of: shortened(text)) }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: factor)
        guard !isTooLarge else { throw Self.refusal(of: shortened(text)) }
        self.init(bytes: bytes)
    }

    init(json: JSONValue) throws(ValueError) {
        switch json {
        case .string(let text): try self.init(text: text)
        case .int(let bytes) where bytes >= 0: self.init(bytes: bytes)
        default: throw Self.refusal(of: json.found)
        }
    }

    /// In the largest unit of which it is a whole number.
    var text: String {
        guard bytes > 0, let (name, factor) = Self.units.first(where: { bytes.isMultiple(of: $0.1) }) else {
            return String(bytes)
        }
        return "\(bytes / factor)\(name)"
    }

    var json: JSONValue { .string(text) }
}
