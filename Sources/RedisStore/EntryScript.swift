import NIOCore
import Storage

/// The script that changes an entry, provided that it is still what we think it is (compare and set).
///
/// `KEYS[1]`: the entry. `ARGV[1]`: what it is, or nothing where there is none. `ARGV[2]`: what it shall be, or nothing to
/// remove it. `ARGV[3]`: for how many seconds. It returns 1, or else what the entry is, and then nothing was changed.
struct EntryScript {
    private static let text: StaticString = """
        local is = redis.call('GET', KEYS[1])
        if (is or '') ~= ARGV[1] then return is end
        if ARGV[2] == '' then redis.call('DEL', KEYS[1])
        else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
        return 1
        """

    private let digest: ByteBuffer

    init() {
        let text = Self.text.withUTF8Buffer { Array($0) }
        var digest = ByteBuffer()
        // A server knows a script by its SHA-1, in the same spelling as ours of a key.
        Key(text.span, isHashed: true).spell { digest.writeInteger($0) }
        self.digest = digest
    }

    /// Writes the call of the script up to the key, which has to follow with the three arguments.
    ///
    /// - Parameter isLoaded: whether the server is believed to have it; it answers `NOSCRIPT` where it hasn't
    func write(into buffer: inout ByteBuffer, isLoaded: Bool) {
        if isLoaded {
            buffer.writeCommand("EVALSHA", arguments: 6)
            buffer.writeBulk(digest)
        } else {
            buffer.writeCommand("EVAL", arguments: 6)
            buffer.writeBulk(Self.text)
        }
        buffer.writeBulk(1)
    }
}
