/// Which boot of the machine this is.
///
/// What a process had written when it was killed is still in the kernel's memory; what the machine had written when it
/// went down may be lost in part. The same ID before and after tells that it was the process alone.
public struct BootID: Equatable, Sendable {
    /// 32 hexadecimal digits in lower case.
    let digits: [UInt8]

    /// The longest spelling, in bytes: that of a UUID.
    static let longestSpelling = 36

    /// The ID as systemd spells it (32 hexadecimal digits) or as the kernel does (a UUID); nil where this is neither, or
    /// all digits are 0.
    public init?(_ spelling: some Collection<UInt8>) {
        let parts = spelling.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard [[32], [8, 4, 4, 4, 12]].contains(parts.map(\.count)) else { return nil }
        digits = parts.joined().map { (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) ? $0 | 0x20 : $0 }
        guard digits.allSatisfy(Self.isDigit), digits.contains(where: { $0 != UInt8(ascii: "0") }) else { return nil }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
