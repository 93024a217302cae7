import Bytes

/// Reads the portable text that `db_dump` makes of a Berkeley DB, in either of its encodings.
///
/// A header of `name=value` lines up to `HEADER=END`, then for each entry a line with the key and one with the value,
/// each behind a blank, up to `DATA=END`. Several dumps may follow each other.
struct BerkeleyDump {
    private enum Place {
        case start, header, key, value
    }

    private enum Encoding {
        /// Printable bytes as they are, others as `\xx`, a backslash doubled (`db_dump -p`).
        case print
        /// Two hexadecimal digits for each byte.
        case bytes
    }

    private var place = Place.start
    private var hasBegun = false
    private var encoding = Encoding.bytes
    private var key: [UInt8] = []
    private var value: [UInt8] = []
    private var keyLine = 0
    /// Why the key was no good, where it wasn't: its value goes with it.
    private var keyFault: LeftOutReason?

    /// Reads a line; an entry is handed over with its key and value.
    mutating func read(
        _ line: Span<UInt8>, into outlet: inout Outlet,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>, inout Outlet) -> Void
    ) throws(ImportError) {
        switch place {
        case .start: try begin(line, &outlet)
        case .header: try readHeader(line, &outlet)
        case .key:
            if line.isSame(as: "DATA=END") {
                outlet.skip()
                place = .start
            } else if decode(line, isKey: true) {
                keyLine = outlet.line
                place = .value
            } else if line.count == 0 || line[0] != UInt8(ascii: " ") {
                // Not the shape of an entry's line at all: what follows may still be whole.
                outlet.leaveOut(.malformed)
            } else {
                keyLine = outlet.line
                keyFault = .malformed
                place = .value
            }
        case .value: readValue(line, &outlet, body)
        }
    }

    private mutating func readValue(
        _ line: Span<UInt8>, _ outlet: inout Outlet,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>, inout Outlet) -> Void
    ) {
        place = .key
        if line.isSame(as: "DATA=END") {
            outlet.leaveOut(.incomplete, at: keyLine)
            outlet.skip()
            place = .start
        } else if decode(line, isKey: false), keyFault == nil {
            outlet.entryLine = keyLine
            body(key.span, value.span, &outlet)
            outlet.entryLine = nil
        } else {
            outlet.leaveOut(keyFault ?? .malformed, lines: 2, at: keyLine)
        }
        keyFault = nil
    }

    /// A line was too long to be kept.
    mutating func skipLong(_ outlet: inout Outlet) throws(ImportError) {
        switch place {
        case .start, .header: throw ImportError(.otherFormat, outlet.file, line: outlet.line, "not a db_dump")
        case .key:
            keyLine = outlet.line
            keyFault = .lineTooLong
            place = .value
        case .value:
            outlet.leaveOut(.lineTooLong, lines: 2, at: keyLine)
            place = .key
            keyFault = nil
        }
    }

    /// The file has ended.
    mutating func finish(_ outlet: inout Outlet) throws(ImportError) {
        defer { self = BerkeleyDump() }
        if place == .value { outlet.leaveOut(.incomplete, at: keyLine) }
        guard hasBegun else {
            throw ImportError(
                .incomplete, outlet.file, "the file is empty (expected a db_dump): dump the database again and rerun")
        }
        guard place == .start else {
            throw ImportError(
                .incomplete, outlet.file, line: outlet.line,
                "the dump is cut off (expected DATA=END); what was read is whole: dump the database again and rerun")
        }
    }

    // MARK: Header

    private mutating func begin(_ line: Span<UInt8>, _ outlet: inout Outlet) throws(ImportError) {
        if line.trimmed.isEmpty { return outlet.skip() }
        guard line.starts(with: "VERSION="), line.extracting(8..<line.count).integer != nil else {
            throw ImportError(
                .otherFormat, outlet.file, line: outlet.line,
                "not a db_dump (expected VERSION=3, found \(shown(line)))" + Guess(line).advice)
        }
        guard line.isSame(as: "VERSION=3") else {
            throw ImportError(
                .otherVersion, outlet.file, line: outlet.line,
                "a db_dump of version \(shown(line.extracting(8..<line.count))): use db5.3_dump (Debian: db5.3-util)")
        }
        encoding = .bytes
        hasBegun = true
        place = .header
        outlet.skip()
    }

    private mutating func readHeader(_ line: Span<UInt8>, _ outlet: inout Outlet) throws(ImportError) {
        guard line.count > 0, line[0] != UInt8(ascii: " "), line.firstIndex(of: UInt8(ascii: "=")) != nil else {
            throw ImportError(
                .otherFormat, outlet.file, line: outlet.line,
                "malformed header of a db_dump (expected name=value, found \(shown(line)))")
        }
        outlet.skip()
        if line.isSame(as: "HEADER=END") {
            place = .key
        } else if line.isSame(as: "format=print") {
            encoding = .print
        } else if line.starts(with: "format="), !line.isSame(as: "format=bytevalue") {
            throw ImportError(
                .otherFormat, outlet.file, line: outlet.line, "unknown encoding of a db_dump: \(shown(line))")
        } else if line.starts(with: "type="), !line.isSame(as: "type=btree"), !line.isSame(as: "type=hash") {
            throw ImportError(
                .otherFormat, outlet.file, line: outlet.line,
                "not a dump of postgrey's: the database has \(shown(line))")
        }
    }

    // MARK: Encodings

    private mutating func decode(_ line: Span<UInt8>, isKey: Bool) -> Bool {
        guard line.count > 0, line[0] == UInt8(ascii: " ") else { return false }
        let text = line.extracting(1..<line.count)
        return isKey ? Self.decode(text, encoding, into: &key) : Self.decode(text, encoding, into: &value)
    }

    private static func decode(_ text: Span<UInt8>, _ encoding: Encoding, into bytes: inout [UInt8]) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        switch encoding {
        case .print:
            guard let first = text.firstIndex(of: UInt8(ascii: "\\")) else {
                bytes.append(copying: text)
                return true
            }
            bytes.append(copying: text.extracting(0..<first))
            var index = first
            while index < text.count {
                guard text[index] == UInt8(ascii: "\\") else {
                    bytes.append(text[index])
                    index += 1
                    continue
                }
                guard index + 1 < text.count else { return false }
                if text[index + 1] == UInt8(ascii: "\\") {
                    bytes.append(UInt8(ascii: "\\"))
                    index += 2
                } else {
                    guard index + 2 < text.count, let byte = text.hexadecimalByte(at: index + 1) else { return false }
                    bytes.append(byte)
                    index += 3
                }
            }
        case .bytes:
            guard text.count.isMultiple(of: 2) else { return false }
            for index in stride(from: 0, to: text.count, by: 2) {
                guard let byte = text.hexadecimalByte(at: index) else { return false }
                bytes.append(byte)
            }
        }
        return true
    }
}

extension Span<UInt8> {
    fileprivate func hexadecimalByte(at index: Int) -> UInt8? {
        guard let high = self[index].hexadecimalValue, let low = self[index + 1].hexadecimalValue else { return nil }
        return high << 4 | low
    }
}
