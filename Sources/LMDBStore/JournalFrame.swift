import Greylist
import Storage

/// The beginning of a journal's file, 64 bytes, little-endian: `TPRTJNL1`, the database's number, the generation, a salt
/// (8 bytes each), 24 zeros, and SipHash-2-4 of all that under the key 0.
struct JournalHeader: BitwiseCopyable {
    static let size = 64
    private static let magic = UInt64(littleEndian: 0x314c_4e4a_5452_5054)

    let database: UInt64
    let generation: UInt64
    /// Anew for each use of the file: remains of an earlier use don't pass for frames of this one, nor does what a sender
    /// makes up.
    let salt: UInt64

    /// The key of the hashes of the frames.
    var key: (UInt64, UInt64) { (salt, generation ^ database) }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for word: UInt64 in [Self.magic, database, generation, salt, 0, 0, 0] { bytes.appendWord(word) }
        bytes.appendWord(bytes.withUnsafeBytes { SipHash.hash($0, key: (0, 0)) })
        return bytes
    }

    init(database: UInt64, generation: UInt64) {
        self.database = database
        self.generation = generation
        salt = .random(in: 0 ... .max)
    }

    /// Whether these may be the first bytes of a file of this version, however few they are.
    static func begins(_ bytes: [UInt8]) -> Bool {
        withUnsafeBytes(of: magic.littleEndian) { $0.starts(with: bytes.prefix(8)) }
    }

    /// The header that these bytes begin with; nil where it isn't one, or not whole.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.size, bytes.word(at: 0) == Self.magic,
            bytes.word(at: 56) == SipHash.hash(UnsafeRawBufferPointer(rebasing: bytes[..<56]), key: (0, 0))
        else { return nil }
        database = bytes.word(at: 8)
        generation = bytes.word(at: 16)
        salt = bytes.word(at: 24)
    }
}

/// What a batch writes, as one piece of the journal: it is there as a whole, or not at all.
///
/// Little-endian: SipHash-2-4 of what follows (8 bytes), the number of the frame in its file from 0 (8), the length of the
/// rest (4); then for each change the table (1), the length of the key (2), the key, and the record (16).
struct JournalFrame {
    static let headSize = 20
    private static let longestKey = 511
    /// With the head left blank until it is sealed.
    private(set) var bytes = [UInt8](repeating: 0, count: headSize)

    var isEmpty: Bool { bytes.count == Self.headSize }

    mutating func removeAll() {
        bytes.removeLast(bytes.count - Self.headSize)
    }

    mutating func append(_ place: Overlay.Place, _ record: Record) {
        bytes.append(UInt8(place.table.rawValue))
        place.key.withStoredBytes { key in
            withUnsafeBytes(of: UInt16(key.count).littleEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: key)
        }
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: Record.size))
        bytes.withUnsafeMutableBytes { record.write(to: UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Makes it the frame of that number.
    mutating func seal(number: UInt64, key: (UInt64, UInt64)) {
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: number.littleEndian, toByteOffset: 8, as: UInt64.self)
            let length = UInt32(bytes.count - Self.headSize)
            bytes.storeBytes(of: length.littleEndian, toByteOffset: 16, as: UInt32.self)
            let hash = SipHash.hash(UnsafeRawBufferPointer(rebasing: bytes[8...]), key: key)
            bytes.storeBytes(of: hash.littleEndian, as: UInt64.self)
        }
    }

    /// Reads a frame; returns its length, nil where there is no whole frame of that number.
    ///
    /// - Parameter take: takes each change, with the key as it is stored
    static func read(
        _ bytes: UnsafeRawBufferPointer, number: UInt64, key: (UInt64, UInt64), take: (Overlay.Place, Record) -> Void
    ) -> Int? {
        guard bytes.count >= headSize, bytes.word(at: 8) == number else { return nil }
        let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
        guard length <= bytes.count - headSize else { return nil }
        let frame = UnsafeRawBufferPointer(rebasing: bytes[8..<headSize + length])
        guard bytes.word(at: 0) == SipHash.hash(frame, key: key) else { return nil }
        var rest = bytes[headSize..<headSize + length]
        while rest.count > 3 {
            let size = Int(rest[rest.startIndex + 1]) | Int(rest[rest.startIndex + 2]) << 8
            guard let table = Table(rawValue: Int(rest[rest.startIndex])), (1...longestKey).contains(size),
                rest.count >= 3 + size + Record.size
            else { return nil }
            let key = rest.dropFirst(3).prefix(size)
            let value = rest.dropFirst(3 + size).prefix(Record.size)
            guard let record = Record(UnsafeRawBufferPointer(rebasing: value)) else { return nil }
            take(Overlay.Place(table: table, key: Key(bytes: UnsafeRawBufferPointer(rebasing: key))), record)
            rest = rest.dropFirst(3 + size + Record.size)
        }
        return headSize + length
    }
}

extension UnsafeRawBufferPointer {
    func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension [UInt8] {
    fileprivate mutating func appendWord(_ word: UInt64) {
        Swift.withUnsafeBytes(of: word.littleEndian) { append(contentsOf: $0) }
    }
}
