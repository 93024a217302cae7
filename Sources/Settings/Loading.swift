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
