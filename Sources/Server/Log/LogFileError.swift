import Glibc

/// Why a log file can't be opened.
public struct LogFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The error's number, as errno(3) has it.
    public let number: CInt

    /// An error of that number.
    public init(number: CInt) {
        self.number = number
    }

    /// The system's words for it.
    public var description: String { String(cString: strerror(number)) }
}
