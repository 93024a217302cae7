import Bytes
import Greylist
import Storage
import SystemPackage

/// The beginning of a GNU dbm file, as far as one needs it to find all entries.
///
/// A file has a directory of bucket addresses, which is indexed with the leading bits of a key's hash; several places
/// may lead to one bucket. These are files of machines with our byte order and 64-bit offsets.
struct FileHeader {
    /// Where the directory is.
    let directory: Int64
    /// How many bits of a hash index it.
    let directoryBits: Int
    let bucketSize: Int

    /// How many bits a hash has.
    static let hashBits = 31

    private static let magics: [UInt32] = [0x1357_9ace, 0x1357_9acf, 0x1357_9ad1]
    private static let size = 40
    /// No block is larger than a file system would want.
    private static let largestBlock = 1 << 24

    /// Reads it; nil where there is none that can be right.
    init?(_ descriptor: FileDescriptor) {
        guard let bytes = descriptor.read(Self.size, at: 0) else { return nil }
        let (magic, directory, directorySize, bits, bucketSize) = bytes.withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(as: UInt32.self), bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: Int32.self),
                bytes.loadUnaligned(fromByteOffset: 20, as: Int32.self),
                bytes.loadUnaligned(fromByteOffset: 24, as: Int32.self)
            )
        }
        guard Self.magics.contains(magic), directory > 0, (3..<Int32(Self.hashBits - 3)).contains(bits),
            Int64(directorySize) == Int64(8) << Int64(bits),
            Bucket.smallest...Self.largestBlock ~= Int(bucketSize),
            // The directory lies in the file.
            let size = (try? Stat(descriptor))?.size, directory <= size,
            Int64(8) << Int64(bits) <= size - directory
        else { return nil }
        self.directory = directory
        directoryBits = Int(bits)
        self.bucketSize = Int(bucketSize)
    }

    /// How many places the directory has.
    var places: Int { 1 << directoryBits }
    /// So many bits of a hash don't count in the directory.
    var shift: Int { Self.hashBits - directoryBits }
}

extension FileDescriptor {
    /// Reads so many bytes of the file at that place; nil where there aren't as many.
    ///
    /// The descriptor's own place in the file stays: GNU dbm goes by it.
    func read(_ count: Int, at place: Int64) -> [UInt8]? {
        guard place >= 0 else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                guard let more = try? read(fromAbsoluteOffset: place + Int64(filled), into: rest), more > 0 else {
                    return
                }
                filled += more
            }
        }
        return bytes.count == count ? bytes : nil
    }
}

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
    func read(_ descriptor: FileDescriptor) -> StoredEntry? {
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

/// An entry as it lies in the file.
struct StoredEntry {
    /// GNU dbm's hash of the key.
    let hash: UInt32
    let key: [UInt8]
    let value: [UInt8]

    /// What is known; nil where the value is no text of a sighting.
    var sighting: Sighting? { LegacyRecord.sighting(value.span) }

    /// Where it comes in the order of entries.
    var position: WalkPosition { WalkPosition(hash: hash, key: key) }

    /// The tag of the client's network.
    var network: UInt32 { key.network }
}

extension [UInt8] {
    /// The tag of the client's network, which a plain key begins with; 0 where it isn't known: a digest doesn't tell.
    fileprivate var network: UInt32 {
        guard let slash = firstIndex(of: UInt8(ascii: "/")) else { return 0 }
        var end = slash + 1
        guard let length = span.decimal(at: &end, atMost: 3), end == count || self[end] == UInt8(ascii: "/"),
            let address = Address(parsing: span.extracting(0..<slash))
        else { return 0 }
        return Network(address, prefixLength: length).tag
    }
}

extension Key {
    /// The tag of the client's network, which a text begins with; 0 where it isn't known: a digest doesn't tell.
    var network: UInt32 {
        if case .text(let text) = self { text.network } else { 0 }
    }
}

/// A position in the order of entries: by hash, then by key.
///
/// It stays the same position whatever GNU dbm does with the entries: it moves them about when one is removed and when a
/// bucket overflows.
struct WalkPosition: Comparable {
    let hash: UInt32
    let key: [UInt8]

    init(hash: UInt32, key: [UInt8] = []) {
        self.hash = hash
        self.key = key
    }

    static func < (left: WalkPosition, right: WalkPosition) -> Bool {
        left.hash == right.hash ? left.key.lexicographicallyPrecedes(right.key) : left.hash < right.hash
    }
}

extension Cursor {
    /// Where a walk goes on.
    init(_ position: WalkPosition) {
        self.init(withUnsafeBytes(of: position.hash) { Array($0) } + position.key)
    }

    var position: WalkPosition {
        let size = MemoryLayout<UInt32>.size
        guard bytes.count >= size else { return WalkPosition(hash: 0) }
        return WalkPosition(
            hash: bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }, key: Array(bytes[size...]))
    }
}
