/// The fields of the journal's own protocol (systemd, "Native Journal Protocol").
extension [UInt8] {
    /// Appends `TPRT_` and the name in capitals.
    mutating func append(journalName name: StaticString) {
        append(word: "TPRT_")
        name.withUTF8Buffer { letters in
            for letter in letters {
                append((UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) ? letter & ~0x20 : letter)
            }
        }
    }

    /// Appends LF, the length in eight bytes, the least first, the very bytes, and LF: no byte has a meaning there.
    mutating func append(journalValue value: Span<UInt8>) {
        append(UInt8(ascii: "\n"))
        for index in 0..<8 { append(UInt8(truncatingIfNeeded: value.count >> (8 * index))) }
        append(value)
        append(UInt8(ascii: "\n"))
    }
}
