import JSONText
import Programs
import Settings

/// The configuration that a migration writes: settings, and for each where its value comes from.
struct MigratedConfiguration {
    private struct Value {
        let json: JSONValue
        let origin: String
    }

    private var values: [String: Value] = [:]

    /// Takes over what a configuration file sets; what is set afterwards takes its place.
    init(keeping former: LoadedConfiguration? = nil) {
        guard let former else { return }
        for field in Configuration.fields {
            guard case .file(let path, let line)? = former.origins[field.key] else { continue }
            let place = line.map { "\(path):\($0)" } ?? path
            set(field.key, field.spoken(in: former.configuration), "as before (\(place))")
        }
    }

    /// How many settings there are.
    var count: Int { values.count }

    /// What a setting has; nil where it has none.
    subscript(_ key: String) -> JSONValue? { values[key]?.json }

    mutating func set(_ key: String, _ json: JSONValue, _ origin: String) {
        values[key] = Value(json: json, origin: origin)
    }

    mutating func remove(_ key: String) {
        values[key] = nil
    }

    /// The file, with a comment on each setting.
    func text(_ title: [String]) -> String {
        var lines = title.map { "// \(Self.comment($0))" } + ["{"]
        for section in Configuration.sections {
            let fields = Configuration.fields.filter { $0.section == section && values[$0.key] != nil }
            guard !fields.isEmpty else { continue }
            lines.append("    \(quoted(section)): {")
            for field in fields {
                guard let value = values[field.key] else { continue }
                lines.append("        // \(Self.comment(value.origin))")
                lines.append("        \(quoted(field.name)): \(value.json.text),")
            }
            lines.append("    },")
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// One line, whatever stands in a value that it quotes.
    private static func comment(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    /// The file, read again; what is wrong with it is ours.
    func loaded(_ path: String) throws(ProgramError) -> Configuration {
        do throws(SettingErrors) {
            return try Configuration.load(files: [ConfigurationFile(path: path, bytes: Array(text([]).utf8))])
                .configuration
        } catch {
            throw ProgramError(error)
        }
    }
}

extension Field {
    /// The value as somebody would write it: a duration as `2d`, not as a number of seconds.
    func spoken(in configuration: Configuration) -> JSONValue {
        let json = json(in: configuration, revealingSecrets: true)
        guard case .int = json else { return json }
        let text = text(in: configuration)
        return Int(text) == nil ? .string(text) : json
    }
}
