import NIOCore

/// Cuts what a client of the control socket sends into lines, whatever the pieces are in which it comes.
///
/// Every byte is looked at once, and no more is kept than a line may have and what came with it.
struct ControlLines {
    /// A line is longer than it may be; nothing can be read behind it.
    struct TooLong: Error {}

    private let limit: Int
    private var bytes = ByteBuffer()
    /// How many of these bytes are known to have no end of a line among them.
    private var searched = 0

    /// - Parameter limit: the most bytes of a line, its end counted
    init(limit: Int) {
        self.limit = limit
    }

    /// Takes in what has come.
    mutating func add(_ more: inout ByteBuffer) {
        bytes.discardReadBytes()
        bytes.writeBuffer(&more)
    }

    /// The next line without its end; nil where more has to come.
    mutating func next() throws(TooLong) -> ByteBuffer? {
        let unsearched = bytes.readableBytesView.dropFirst(searched)
        guard let end = unsearched.firstIndex(of: UInt8(ascii: "\n")) else {
            searched = bytes.readableBytes
            guard searched < limit else { throw TooLong() }
            return nil
        }
        let length = end - bytes.readerIndex
        guard length < limit else { throw TooLong() }
        searched = 0
        defer { bytes.moveReaderIndex(forwardBy: 1) }
        return bytes.readSlice(length: length)
    }
}
