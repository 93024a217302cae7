/// Why a whole source can't be read.
public struct WhitelistError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The complaint, with the name of the source.
    public let description: String

    /// A complaint.
    public init(_ description: String) {
        self.description = description
    }
}
