import Bytes

/// Cuts what comes in pieces into lines, whatever the pieces are.
///
/// No more than a line is kept, and of a line that is too long nothing.
struct LineSplitter {
    /// The most bytes of a line.
    static let longest = 32 << 10

    private var rest: [UInt8] = []
    private var isTooLong = false

    /// Hands over each line that ends in the piece, without its line end; nil for one that is too long.
    mutating func feed<Failure: Error>(
        _ piece: Span<UInt8>, _ body: (Span<UInt8>?) throws(Failure) -> Void
    ) throws(Failure) {
        var start = 0
        while let end = piece.lineEnd(from: start) {
            if isTooLong || rest.count + end - start > Self.longest {
                try body(nil)
            } else if rest.isEmpty {
                let line = piece.extracting(start..<end)
                try body(line.extracting(0..<line.countWithoutReturn))
            } else {
                rest.append(copying: piece.extracting(start..<end))
                try hand(over: body)
            }
            rest.removeAll(keepingCapacity: true)
            isTooLong = false
            start = end + 1
        }
        if isTooLong || rest.count + piece.count - start > Self.longest {
            rest.removeAll(keepingCapacity: true)
            isTooLong = true
        } else {
            rest.append(copying: piece.extracting(start..<piece.count))
        }
    }

    /// Hands over the last line where it has no end.
    mutating func finish<Failure: Error>(_ body: (Span<UInt8>?) throws(Failure) -> Void) throws(Failure) {
        defer { (rest, isTooLong) = ([], false) }
        if isTooLong { try body(nil) } else if !rest.isEmpty { try hand(over: body) }
    }

    private func hand<Failure: Error>(over body: (Span<UInt8>?) throws(Failure) -> Void) throws(Failure) {
        let line = rest.span
        try body(line.extracting(0..<line.countWithoutReturn))
    }
}

extension Span<UInt8> {
    /// Where the line ends that begins there; nil where it goes on in the next piece.
    fileprivate func lineEnd(from start: Int) -> Int? { firstIndex(of: UInt8(ascii: "\n"), in: start..<count) }

    /// A carriage return before the line feed belongs to the line end.
    fileprivate var countWithoutReturn: Int {
        count > 0 && self[count - 1] == UInt8(ascii: "\r") ? count - 1 : count
    }
}
