/// A setting that two configurations hold different values for.
public struct Change: Sendable, Equatable {
    /// The setting.
    public var key: String
    /// Whether a reload may bring the new value in; if not, that takes a restart.
    public var mayReload: Bool

    /// A difference in one setting.
    public init(key: String, mayReload: Bool) {
        self.key = key
        self.mayReload = mayReload
    }
}

extension Configuration {
    /// The settings in which two configurations differ, in the order of `fields`.
    public static func changes(from old: Configuration, to new: Configuration) -> [Change] {
        fields.filter {
            $0.json(in: old, revealingSecrets: true) != $0.json(in: new, revealingSecrets: true)
        }.map { Change(key: $0.key, mayReload: $0.mayReload) }
    }
}
