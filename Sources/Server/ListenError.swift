/// Why a listener can't be opened.
public struct ListenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What follows from it.
    public enum Code: Sendable, Equatable {
        /// Somebody else listens there.
        case taken
        /// The socket can't be made there.
        case cannotCreate
        /// Not with our rights.
        case denied
        /// The address makes no sense here: an unknown host or group.
        case unusable
    }

    /// What follows from it.
    public var code: Code
    /// The fault and, where there is one, the remedy: one line.
    public var description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
