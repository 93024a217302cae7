public import Greylist

/// An entry of a whitelist, as it was read.
public struct WhitelistEntry: Sendable, Equatable {
    /// What it does where it matches.
    public enum Effect: Sendable, Hashable {
        /// Lets the mail pass.
        case pass
        /// Has it greylisted: an exception to a wider entry after it.
        case greylist
        /// Has it greylisted with a delay of its own, in seconds.
        case delay(Int64)
    }

    /// When it matches.
    public var condition: Condition
    /// What it does.
    public var effect: Effect
    /// From when on it no longer matches; nil for never.
    public var expires: Timestamp?
    /// What the administrator noted.
    public var comment: String?
    /// Its own name, where it has one.
    public var name: String?
    /// Its number in its list, from 0, those that were refused counted too.
    public var index: Int
    /// Its line in the file, from 1; nil where there are no lines.
    public var line: Int?

    /// An entry that lets pass for ever, unless said otherwise.
    public init(
        _ condition: Condition, effect: Effect = .pass, expires: Timestamp? = nil, comment: String? = nil,
        name: String? = nil, index: Int = 0, line: Int? = nil
    ) {
        self.condition = condition
        self.effect = effect
        self.expires = expires
        self.comment = comment
        self.name = name
        self.index = index
        self.line = line
    }
}
