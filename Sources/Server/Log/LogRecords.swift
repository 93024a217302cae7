import Greylist

/// Log records, each with its severity and its time, one behind the other in storage that is used again and again.
struct LogRecords: Sendable {
    /// Before each text: its length in four bytes, the severity in one, the seconds of the time in eight.
    private static let headerSize = 13

    private var bytes: [UInt8] = []
    /// How many there are.
    private(set) var count = 0

    /// How much storage they take, in bytes.
    var size: Int { bytes.count }
    var isEmpty: Bool { count == 0 }

    /// Appends a record, whose text `write` appends to the bytes it is given.
    mutating func append(_ severity: LogSeverity, at time: Timestamp, _ write: (inout [UInt8]) -> Void) {
        let start = bytes.count
        append(UInt64(0), width: 4)
        bytes.append(severity.rawValue)
        append(UInt64(bitPattern: time.seconds), width: 8)
        write(&bytes)
        var length = UInt32(bytes.count - start - Self.headerSize)
        for index in start..<start + 4 {
            bytes[index] = UInt8(truncatingIfNeeded: length)
            length >>= 8
        }
        count += 1
    }

    /// Appends all of the other ones.
    mutating func append(contentsOf other: LogRecords) {
        bytes.append(contentsOf: other.bytes)
        count += other.count
    }

    /// Removes all, and keeps the storage.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }

    /// Hands over each record in turn.
    func forEachRecord(_ body: (_ severity: LogSeverity, _ time: Timestamp, _ text: Span<UInt8>) -> Void) {
        var start = 0
        while start < bytes.count {
            let text = start + Self.headerSize
            let end = text + Int(number(at: start, width: 4))
            guard let severity = LogSeverity(rawValue: bytes[start + 4]) else {
                preconditionFailure("a log record without a severity")
            }
            let seconds = Int64(bitPattern: number(at: start + 5, width: 8))
            body(severity, Timestamp(seconds: seconds), bytes.span.extracting(text..<end))
            start = end
        }
    }

    private mutating func append(_ number: UInt64, width: Int) {
        for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }

    private func number(at start: Int, width: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in 0..<width { number |= UInt64(bytes[start + index]) << UInt64(8 * index) }
        return number
    }
}

extension [UInt8] {
    /// Appends the text of a record as it is.
    mutating func append(_ text: Span<UInt8>) {
        text.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}
