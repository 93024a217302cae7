import Glibc

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
    init?(_ descriptor: CInt) {
        guard let bytes = descriptor.read(Self.size, at: 0) else { return nil }
        let (magic, directory, directorySize, bits, bucketSize) = bytes.withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(as: UInt32.self), bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: Int32.self),
                bytes.loadUnaligned(fromByteOffset: 20, as: Int32.self),
                bytes.loadUnaligned(fromByteOffset: 24, as: Int32.self)
            )
        }
        var status = stat()
        guard Self.magics.contains(magic), directory > 0, (3..<Int32(Self.hashBits - 3)).contains(bits),
            Int64(directorySize) == Int64(8) << Int64(bits),
            Bucket.smallest...Self.largestBlock ~= Int(bucketSize),
            // The directory lies in the file.
            fstat(descriptor, &status) == 0, directory <= status.st_size,
            Int64(8) << Int64(bits) <= Int64(status.st_size) - directory
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

extension CInt {
    /// Reads so many bytes of the file at that place; nil where there aren't as many.
    ///
    /// The descriptor's own place in the file stays: GNU dbm goes by it.
    func read(_ count: Int, at place: Int64) -> [UInt8]? {
        guard place >= 0 else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count, let start = buffer.baseAddress {
                let more = pread(self, start + filled, count - filled, off_t(place) + off_t(filled))
                if more < 0, errno == EINTR { continue }
                if more <= 0 { return }
                filled += more
            }
        }
        return bytes.count == count ? bytes : nil
    }
}
