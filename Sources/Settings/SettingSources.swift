/// What the settings are read from, beside the defaults.
public struct SettingSources: Sendable {
    /// The configuration files, in their order.
    public var files: [String]
    /// All variables; only those that begin with `TPRT_` count.
    public var environment: [String: String]
    /// What the command line says.
    public var flags: [Assignment]
    /// Texts such as `service.grey_delay=5m`.
    public var injections: [String]

    /// These sources.
    public init(
        files: [String] = [], environment: [String: String] = [:], flags: [Assignment] = [], injections: [String] = []
    ) {
        self.files = files
        self.environment = environment
        self.flags = flags
        self.injections = injections
    }

    /// Reads the files, and builds the configuration from everything.
    ///
    /// - Parameter read: Reads a file as bytes.
    /// - Returns: The configuration with the origin of each value.
    /// - Throws: Every error there is; if files can't be read, only that.
    public func load(read: (String) throws -> [UInt8]) throws(SettingErrors) -> LoadedConfiguration {
        var contents: [ConfigurationFile] = []
        var unreadable: [SettingError] = []
        for path in files {
            do {
                contents.append(ConfigurationFile(path: path, bytes: try read(path)))
            } catch {
                let origin = Origin.file(path: path, line: nil)
                unreadable.append(SettingError(origin: origin, message: "cannot be read: \(error)"))
            }
        }
        guard unreadable.isEmpty else { throw SettingErrors(unreadable) }
        return try Configuration.load(files: contents, environment: environment, flags: flags, injections: injections)
    }
}
