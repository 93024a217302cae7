/// Why a store can't be opened or can't answer.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What follows from it.
    public enum Code: Sendable, Equatable {
        /// Another process has the database.
        case inUse
        /// The file can't be read or written with our rights.
        case denied
        /// The file can't be made, or its place isn't fit for one.
        case cannotCreate
        /// The store doesn't answer, or can't write: the next request may fare better.
        case unavailable
        /// What is stored can't be read as ours.
        case corrupt
        /// The store answers but takes no more: it is full, or mayn't write just now.
        case writeRefused
        /// The store refuses us: a password or a right is missing, and no retry helps.
        case misconfigured
    }

    /// What follows from it.
    public var code: Code
    /// The fault and, where there is one, the remedy: one line.
    public var description: String

    /// A fault of a store.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
