import Crypto
import Greylist
import Storage

/// The beginning of a journal's file, 64 bytes, little-endian: `TPRTJNL2`, the database's number, the generation (8 bytes
/// each), a salt (16), 8 zeros, and the first 16 bytes of the SHA-256 of all that.
struct JournalHeader {
    static let size = 64
    private static let magic = UInt64(littleEndian: 0x324c_4e4a_5452_5054)
    /// Of the format before this one, which had other headers, frames and hashes.
    private static let formerMagic = UInt64(littleEndian: 0x314c_4e4a_5452_5054)
    /// How many bytes the checksum is of.
    private static let checkedSize = 48

    let database: UInt64
    let generation: UInt64
    /// Another one for each use of the file: remains of an earlier use don't pass for frames of this one, nor does what a
    /// sender makes up.
    private let salt: UInt128
    /// Makes the tags of the frames: HMAC-SHA256 under the key that is the HMAC-SHA256 of database and generation, as they
    /// are in the header, under the salt.
    ///
    /// It has taken in its key already, once for all frames.
    let authenticator: HMAC<SHA256>

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for word in [Self.magic, database, generation] { bytes.append(littleEndian: word) }
        bytes.append(littleEndian: salt)
        bytes.append(littleEndian: 0 as UInt64)
        return bytes + bytes.withUnsafeBytes { Self.checksum(of: $0) }.prefix(Self.size - bytes.count)
    }

    init(database: UInt64, generation: UInt64, salt: UInt128 = .random(in: 0 ... .max)) {
        self.database = database
        self.generation = generation
        self.salt = salt
        var (identity, secret): ([UInt8], [UInt8]) = ([], [])
        identity.append(littleEndian: database)
        identity.append(littleEndian: generation)
        secret.append(littleEndian: salt)
        let key = HMAC<SHA256>.authenticationCode(for: identity, using: SymmetricKey(data: secret))
        authenticator = HMAC(key: SymmetricKey(data: key))
    }

    /// Whether these may be the first bytes of a file of this version, however few they are.
    static func begins(_ bytes: [UInt8]) -> Bool {
        withUnsafeBytes(of: magic.littleEndian) { $0.starts(with: bytes.prefix(8)) }
    }

    /// Whether these are the first bytes of a file of the format before this one that may have frames.
    static func beginsFormer(_ bytes: [UInt8]) -> Bool {
        withUnsafeBytes(of: formerMagic.littleEndian) { bytes.count > size && bytes.starts(with: $0) }
    }

    /// The header that these bytes begin with; nil where it isn't one, or not whole.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.size, bytes.word(at: 0) == Self.magic else { return nil }
        let checksum = bytes[Self.checkedSize..<Self.size]
        let checked = UnsafeRawBufferPointer(rebasing: bytes[..<Self.checkedSize])
        guard Self.checksum(of: checked).starts(with: checksum) else { return nil }
        let salt = UInt128(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt128.self))
        self.init(database: bytes.word(at: 8), generation: bytes.word(at: 16), salt: salt)
    }

    private static func checksum(of bytes: UnsafeRawBufferPointer) -> SHA256.Digest {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return hash.finalize()
    }
}

/// What a batch writes, as one piece of the journal: it is there as a whole, or not at all.
///
/// Little-endian: a tag (16 bytes), the number of the frame in its file from 0 (8), the length of the rest (4); then for
/// each change the table (1), the length of the key (2), the key, and the record (16).
///
/// The tag is the HMAC-SHA256 of all that follows it, cut to its first half: the least that its standard (RFC 2104)
/// recommends. Senders choose part of what is hashed; without the key they can't make bytes that pass for a frame. Eight
/// bytes less for each batch would save an eighth of the smallest frame, and nothing of a sync.
struct JournalFrame {
    static let headSize = tagSize + 12
    private static let tagSize = 16
    private static let longestKey = 511
    /// With the head left blank until it is sealed.
    private(set) var bytes = [UInt8](repeating: 0, count: headSize)

    var isEmpty: Bool { bytes.count == Self.headSize }

    mutating func removeAll() {
        bytes.removeLast(bytes.count - Self.headSize)
    }

    mutating func append(_ slot: WriteBuffer.Slot, _ record: Record) {
        bytes.append(UInt8(slot.table.rawValue))
        slot.key.withStoredBytes { key in
            withUnsafeBytes(of: UInt16(key.count).littleEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: key)
        }
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: Record.size))
        bytes.withUnsafeMutableBytes { record.write(to: UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Makes it the frame of that number in the file of that header.
    mutating func seal(number: UInt64, for header: JournalHeader) {
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: number.littleEndian, toByteOffset: Self.tagSize, as: UInt64.self)
            let length = UInt32(bytes.count - Self.headSize)
            bytes.storeBytes(of: length.littleEndian, toByteOffset: Self.tagSize + 8, as: UInt32.self)
            let tagged = UnsafeRawBufferPointer(rebasing: bytes[Self.tagSize...])
            Self.withTag(of: tagged, header) { bytes.copyMemory(from: $0) }
        }
    }

    /// The number that a frame has which begins with these bytes, `headSize` at least.
    static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        bytes.word(at: tagSize)
    }

    private static func withTag<Result>(
        of bytes: UnsafeRawBufferPointer, _ header: JournalHeader, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        var authenticator = header.authenticator
        authenticator.update(data: bytes)
        return authenticator.finalize().withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<tagSize])) }
    }

    /// Reads a frame; returns its length, nil where there is no whole frame of that number.
    ///
    /// - Parameter take: takes each change, with the key as it is stored
    static func read(
        _ bytes: UnsafeRawBufferPointer, number: UInt64, of header: JournalHeader,
        take: (WriteBuffer.Slot, Record) -> Void
    ) -> Int? {
        guard bytes.count >= headSize, Self.number(bytes) == number else { return nil }
        let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: tagSize + 8, as: UInt32.self)))
        guard length <= bytes.count - headSize else { return nil }
        let tagged = UnsafeRawBufferPointer(rebasing: bytes[tagSize..<headSize + length])
        guard withTag(of: tagged, header, { $0.elementsEqual(bytes[..<tagSize]) }) else { return nil }
        var rest = bytes[headSize..<headSize + length]
        while rest.count > 3 {
            let size = Int(rest[rest.startIndex + 1]) | Int(rest[rest.startIndex + 2]) << 8
            guard let table = Table(rawValue: Int(rest[rest.startIndex])), (1...longestKey).contains(size),
                rest.count >= 3 + size + Record.size
            else { return nil }
            let key = rest.dropFirst(3).prefix(size)
            let value = rest.dropFirst(3 + size).prefix(Record.size)
            guard let record = Record(UnsafeRawBufferPointer(rebasing: value)) else { return nil }
            take(WriteBuffer.Slot(table: table, key: Key(bytes: UnsafeRawBufferPointer(rebasing: key))), record)
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
    fileprivate mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}

/// What the file of a journal says.
struct JournalContents {
    let header: JournalHeader
    /// The name of the file.
    var name = ""
    /// What the frames write, as far as they follow each other.
    private(set) var buffer = WriteBuffer()
    /// What frames write that come after damage, the newest wins.
    ///
    /// Each write stands for itself: what lies between is missing, and what comes after is right all the same.
    private(set) var rest = WriteBuffer()
    /// How many bytes lie between frames and can't be read.
    private(set) var dropped = 0

    /// Reads all frames that are whole; nil where there is no header.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let header = JournalHeader(bytes) else { return nil }
        self.header = header
        var offset = JournalHeader.size
        var number: UInt64 = 0
        func readOn(into buffer: inout WriteBuffer) {
            while let length = JournalFrame.read(
                UnsafeRawBufferPointer(rebasing: bytes[offset...]), number: number, of: header,
                take: { buffer[$0] = $1 })
            {
                offset += length
                number += 1
            }
        }
        readOn(into: &buffer)
        while let next = Self.nextFrame(bytes, after: offset, from: number, of: header) {
            dropped += next.offset - offset
            (offset, number) = next
            readOn(into: &rest)
        }
    }

    /// Everything, the newest wins.
    var all: WriteBuffer {
        var all = buffer
        all.add(rest)
        return all
    }

    /// The next whole frame behind an offset where there is none.
    ///
    /// Only one of this use of the file counts, of which the header has the salt: so what a write that was interrupted
    /// leaves, and what is left of an earlier use, is the end, and nothing was lost.
    private static func nextFrame(
        _ bytes: UnsafeRawBufferPointer, after start: Int, from number: UInt64, of header: JournalHeader
    ) -> (offset: Int, number: UInt64)? {
        // A frame has at least its head, so that there are no more of them than this.
        let last = number + UInt64(bytes.count / JournalFrame.headSize)
        var offset = start + 1
        while offset + JournalFrame.headSize <= bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let candidate = JournalFrame.number(rest)
            if candidate > number, candidate <= last {
                if JournalFrame.read(rest, number: candidate, of: header, take: { _, _ in }) != nil {
                    return (offset, candidate)
                }
            }
            offset += 1
        }
        return nil
    }
}

/// What lies in the places of a database's journals.
struct JournalFindings {
    /// Those of the database, the oldest first.
    var contents: [JournalContents] = []
    /// Files that are none: another database's, another version's, somebody's own.
    var strange: [String] = []
    /// Files whose headers can't be read, with their lengths: what they have is lost.
    var headless: [(name: String, size: Int)] = []

    /// What can't be read, for the log: a sentence for each damaged file of which the tree hasn't everything.
    func flaws(after applied: UInt64) -> [(name: String, message: String)] {
        contents.filter { $0.dropped > 0 && $0.header.generation > applied }.map { journal in
            let message =
                "journal \(journal.name) is damaged: \(journal.all.count) entries recovered, "
                + "\(journal.dropped) bytes dropped"
            return (journal.name, message)
        }
            + headless.map { file in
                (
                    file.name,
                    "journal \(file.name) has a damaged header: 0 entries recovered, \(file.size) bytes dropped"
                )
            }
    }
}
