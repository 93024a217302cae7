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
    /// This configuration with the values of another one where a reload may change them.
    public func taking(reloadableFrom new: Configuration) -> Configuration {
        var result = self
        for field in Self.fields where field.mayReload {
            do {
                try field.apply(.json(field.json(in: new, revealingSecrets: true)), to: &result)
            } catch {
                preconditionFailure("\(field.key) doesn't take its own value: \(error.sentence)")
            }
        }
        return result
    }

    /// The settings in which two configurations differ, in the order of `fields`.
    public static func changes(from old: Configuration, to new: Configuration) -> [Change] {
        fields.filter {
            $0.json(in: old, revealingSecrets: true) != $0.json(in: new, revealingSecrets: true)
        }.map { Change(key: $0.key, mayReload: $0.mayReload) }
    }
}
