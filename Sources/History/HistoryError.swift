/// Why a history can't be written or read.
public struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Code: Sendable, Equatable {
        /// There is no file.
        case missing
        /// The system doesn't let it be read or written.
        case denied
        /// Another program has locked it.
        case locked
        /// It is damaged.
        case damaged
        /// A newer version of TPRT made it.
        case newerVersion
        /// It is something else than a history.
        case otherFormat
        /// There is no room left on the disk, or the disk fails.
        case noRoom
        /// A reader keeps what is written ahead from getting into the file.
        case heldByReader
        /// Anything else that SQLite says.
        case failed
    }

    /// What kind of fault it is.
    public let code: Code
    /// The file, the fault and, where there is one, the remedy: one line.
    public let description: String

    /// A fault of that file.
    init(_ code: Code, _ path: String, _ message: String) {
        self.code = code
        description = "\(path): \(message)"
    }
}
