/// A configuration, and who said what of it.
public struct LoadedConfiguration: Sendable, Equatable {
    /// The values.
    public var configuration = Configuration()
    /// The origin of each setting that somebody gave a value to, by its key.
    public var origins: [String: Origin] = [:]
    /// What somebody should know of, and is no error: a sentence each.
    public var warnings: [String] = []

    /// The defaults, which nobody gave.
    public init() {}

    /// The origin of the value of a setting.
    public func origin(of key: String) -> Origin {
        origins[key] ?? .default
    }

    /// Applies one assignment.
    mutating func apply(_ assignment: Assignment) throws(SettingError) {
        let (key, origin) = (assignment.key, assignment.origin)
        guard let field = Configuration.field(key) else {
            throw SettingError(origin: origin, key: key, complaint: "no such setting", remedy: advice(on: key))
        }
        do {
            try field.apply(assignment.input, to: &configuration)
            origins[key] = origin
        } catch {
            throw SettingError(origin: origin, key: key, complaint: error.sentence, remedy: error.remedy)
        }
    }

    private func advice(on key: String) -> String? {
        meantSetting(by: key).map { "did you mean \($0)?" }
    }
}
