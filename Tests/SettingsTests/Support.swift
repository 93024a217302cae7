import Settings

/// A file with a text.
func file(_ text: String, _ path: String = "/etc/tprt.conf") -> ConfigurationFile {
    ConfigurationFile(path: path, bytes: Array(text.utf8))
}

/// The errors of a load as lines; empty where there are none.
func messages(
    files: [ConfigurationFile] = [], environment: [String: String] = [:], flags: [Assignment] = [],
    injections: [String] = []
) -> [String] {
    do {
        _ = try Configuration.load(files: files, environment: environment, flags: flags, injections: injections)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

/// A flag as the command line hands it over.
func flag(_ name: String, _ key: String, _ text: String) -> Assignment {
    Assignment(key: key, input: .text(text), origin: .flag(name: name))
}
