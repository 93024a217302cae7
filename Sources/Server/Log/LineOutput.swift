import Glibc

/// Writes lines to a descriptor.
struct LineOutput: Sendable {
    var descriptor: CInt
    /// Whether the last line was cut in its middle: the next one must not seem to be its end.
    private var isInLine = false

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
    }

    /// Blocks until the reader has taken everything.
    ///
    /// A reader that is gone, or a disk that is full, takes nothing: the lines are given up. Returns how many.
    mutating func write(_ lines: [UInt8]) -> Int {
        if isInLine {
            guard writeAll([UInt8(ascii: "\n")]) == 1 else { return lines.lineCount(from: 0) }
            isInLine = false
        }
        let written = writeAll(lines)
        guard written < lines.count else { return 0 }
        isInLine = written > 0 && lines[written - 1] != UInt8(ascii: "\n")
        return lines.lineCount(from: written)
    }

    /// Returns how many bytes were taken.
    private func writeAll(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    Glibc.poll(&poll, 1, -1)
                } else if written < 0, errno != EINTR {
                    break
                }
            }
            return bytes.count - rest.count
        }
    }
}

extension [UInt8] {
    fileprivate func lineCount(from start: Int) -> Int {
        self[start...].count { $0 == UInt8(ascii: "\n") }
    }
}
