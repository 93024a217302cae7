/// Everything an administrator can set, as values.
///
/// `Configuration()` holds the defaults. `fields` says for each property what it is called, which values it takes
/// and what it means; files, environment, flags, help and printing all derive from that list.
public struct Configuration: Sendable, Equatable {
    /// Where and how much is logged.
    public var log = Log()
    /// The socket, the process and its limits.
    public var server = Server()
    /// Greylisting itself, its databases and whitelists.
    public var service = Service()

    /// The defaults.
    public init() {}

    /// Every setting, once, in the order in which manuals show them.
    public static let fields: [Field] = logFields + serverFields + serviceFields

    /// The names of the sections, in the order in which a file shows them.
    public static let sections = ["log", "server", "service"]

    /// The field of a key such as `service.grey_delay`, if there is one.
    public static func field(_ key: String) -> Field? { fieldsByKey[key] }

    private static let fieldsByKey: [String: Field] = Dictionary(
        fields.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
}

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
            throw SettingError(origin: origin, key: key, message: "no such setting", remedy: advice(on: key))
        }
        do {
            try field.apply(assignment.input, to: &configuration)
            origins[key] = origin
        } catch {
            throw SettingError(origin: origin, key: key, message: error.message, remedy: error.remedy)
        }
    }

    private func advice(on key: String) -> String? {
        meantSetting(by: key).map { "did you mean \($0)?" }
    }
}

extension Configuration {
    /// Builds a configuration from everything that was said about it; what is said later wins.
    ///
    /// The order is: defaults, files as given and merged key by key, environment, flags, injections. Lists are
    /// replaced, not appended to. A value that is wrong is an error even if a later one would replace it.
    ///
    /// - Parameters:
    ///   - files: The files in the order in which they were named.
    ///   - environment: All variables; only those that begin with `TPRT_` count.
    ///   - flags: What the command line says.
    ///   - injections: Texts such as `service.grey_delay=5m`.
    /// - Returns: The configuration with the origin of each value.
    /// - Throws: Every error there is, not only the first.
    public static func load(
        files: [ConfigurationFile] = [], environment: [String: String] = [:], flags: [Assignment] = [],
        injections: [String] = []
    ) throws(SettingErrors) -> LoadedConfiguration {
        var sources = files.map { $0.assignments() }
        let variables = environmentAssignments(environment)
        sources.append((variables.found, variables.errors))
        sources.append((flags, []))
        sources.append(injected(injections))

        var loaded = LoadedConfiguration()
        loaded.warnings = variables.warnings
        var errors: [SettingError] = []
        for source in sources {
            errors += source.errors
            for assignment in source.found {
                do {
                    try loaded.apply(assignment)
                } catch {
                    errors.append(error)
                }
            }
        }
        // Where something could not be read, a conflict may be no more than its echo.
        let doubtful = Set(errors.compactMap(\.key))
        if errors.allSatisfy({ $0.key != nil }) {
            errors += loaded.conflicts().filter { doubtful.isDisjoint(with: $0.keys) }.map { $0.error(in: loaded) }
        }
        guard errors.isEmpty else { throw SettingErrors(errors) }
        return loaded
    }

    private static func injected(_ injections: [String]) -> (found: [Assignment], errors: [SettingError]) {
        var found: [Assignment] = []
        var errors: [SettingError] = []
        for injection in injections {
            do {
                found.append(try Assignment(injection: injection))
            } catch {
                errors.append(error)
            }
        }
        return (found, errors)
    }
}

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
                preconditionFailure("\(field.key) doesn't take its own value: \(error.message)")
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
