import Glibc
import TrustedFiles

/// Why a log file can't be opened.
public struct LogFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the system answered: an errno.
    public let number: CInt
    /// What else is to be said; nil where the number says it.
    private let sentence: String?

    /// What the system answered, and what is wrong where that doesn't say it.
    public init(number: CInt, sentence: String? = nil) {
        self.number = number
        self.sentence = sentence
    }

    init(_ error: FileError) {
        self.init(number: error.code, sentence: error.isSystems ? nil : error.sentence)
    }

    /// The text of it.
    public var description: String { sentence ?? String(cString: strerror(number)) }
}
