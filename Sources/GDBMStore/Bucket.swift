/// A bucket of a GNU dbm file: where the entries lie whose hashes begin alike.
struct Bucket {
    /// Where an entry lies: its key, directly followed by its value.
    struct Element {
        let hash: UInt32
        /// The key's first bytes.
        let start: UInt32
        let offset: Int64
        let keySize: Int
        let valueSize: Int
    }

    /// With how many bits all its hashes begin alike.
    private(set) var bits: Int
    /// Whether only some places of the directory that ought to lead to it do: the others' share of it isn't looked at.
    private(set) var isPartial = false
    /// Its entries; those that can't be are left out and counted.
    private(set) var elements: [Element] = []
    private(set) var damaged = 0

    private static let countOffset = 108
    private static let headSize = 112
    private static let elementSize = 24
    static let smallest = headSize + elementSize
    /// So many bytes of the key are in the bucket, too.
    static let startSize = 4
    /// The longest entry that is believed.
    private static let longest = 1 << 20

    /// The bucket in these bytes; nil where they can't be one of a directory of that many bits.
    init?(_ bytes: [UInt8], directoryBits: Int) {
        let bits = bytes.number(at: 104)
        guard (0...directoryBits).contains(bits) else { return nil }
        self.bits = bits
        for offset in stride(from: Self.headSize, through: bytes.count - Self.elementSize, by: Self.elementSize) {
            let hash = bytes.number(at: offset)
            if hash == -1 { continue }
            let (keySize, valueSize) = (bytes.number(at: offset + 16), bytes.number(at: offset + 20))
            guard hash >= 0, 0...Self.longest ~= keySize, 0...Self.longest ~= valueSize else {
                damaged += 1
                continue
            }
            bytes.withUnsafeBytes { bytes in
                elements.append(
                    Element(
                        hash: UInt32(hash), start: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                        offset: bytes.loadUnaligned(fromByteOffset: offset + 8, as: Int64.self), keySize: keySize,
                        valueSize: valueSize))
            }
        }
        // One that says of itself that it has more or fewer is not as it was written.
        let count = bytes.number(at: Self.countOffset)
        if count != elements.count + damaged { damaged += max(1, count - elements.count - damaged) }
    }

    /// Takes it for the bucket of a single place of the directory: others that ought to lead to it lead elsewhere.
    mutating func narrow(toDirectoryBits bits: Int) {
        self.bits = bits
        isPartial = true
        damaged += 1
    }
}

extension Bucket.Element {
    /// GNU dbm's hash of a key: with its bytes as signed and as unsigned numbers, which depends on the machine.
    private static func hashes(of key: ArraySlice<UInt8>) -> [UInt32] {
        var signed = 0x238f_13af &* UInt32(truncatingIfNeeded: key.count)
        var unsigned = signed
        for (index, byte) in key.enumerated() {
            let shift = UInt32(index * 5 % 24)
            signed = (signed &+ UInt32(bitPattern: Int32(Int8(bitPattern: byte))) << shift) & 0x7fff_ffff
            unsigned = (unsigned &+ UInt32(byte) << shift) & 0x7fff_ffff
        }
        return [signed, unsigned].map { (1_103_515_243 &* $0 &+ 12_345) & 0x7fff_ffff }
    }

    /// Reads the entry; nil where there is another one, or none.
    func read(_ descriptor: CInt) -> StoredEntry? {
        guard let bytes = descriptor.read(keySize + valueSize, at: offset) else { return nil }
        let isOurs = withUnsafeBytes(of: start) { start in
            (0..<min(keySize, Bucket.startSize)).allSatisfy { bytes[$0] == start[$0] }
        }
        guard isOurs, Self.hashes(of: bytes[..<keySize]).contains(hash) else { return nil }
        return StoredEntry(hash: hash, key: Array(bytes[..<keySize]), value: Array(bytes[keySize...]))
    }
}

extension [UInt8] {
    fileprivate func number(at offset: Int) -> Int {
        withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset, as: Int32.self)) }
    }
}
