/// What a site allows in whitelists.
public struct SourceTerms: Sendable, Equatable {
    /// Whether regular expressions are honoured.
    public var allowsPatterns: Bool
    /// Whether entries that let nearly everybody through are taken without a word.
    public var allowsWide: Bool

    /// The terms of a fresh installation: neither.
    public init(allowsPatterns: Bool = false, allowsWide: Bool = false) {
        self.allowsPatterns = allowsPatterns
        self.allowsWide = allowsWide
    }
}
