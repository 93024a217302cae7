/// What a site allows in whitelists.
public struct SourceOptions: Sendable {
    /// Whether regular expressions are honoured.
    public var allowsPatterns: Bool
    /// Whether entries that let nearly everybody through are taken without a word.
    public var allowsWide: Bool
    /// The public suffixes that are known; no part of what a site allows.
    var suffixes = PublicSuffixes()

    /// The options of a fresh installation: neither.
    public init(allowsPatterns: Bool = false, allowsWide: Bool = false) {
        self.allowsPatterns = allowsPatterns
        self.allowsWide = allowsWide
    }
}

extension SourceOptions: Equatable {
    /// Whether both allow the same.
    public static func == (one: Self, other: Self) -> Bool {
        one.allowsPatterns == other.allowsPatterns && one.allowsWide == other.allowsWide
    }

    /// The same, with the public suffixes that this machine knows; reads a file.
    public func knowingSuffixes(through access: FileAccess = .direct) -> SourceOptions {
        var options = self
        options.suffixes = PublicSuffixes.installed(through: access)
        return options
    }
}
