/// A configuration file that somebody has read.
public struct ConfigurationFile: Sendable {
    /// The most bytes that a file may have: 16 MiB.
    public static let sizeLimit = 16 << 20

    /// What messages call the file.
    public var path: String
    /// What it holds: JSON, with comments and trailing commas if it likes.
    public var bytes: [UInt8]

    /// A file with its bytes.
    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    /// What the file says, and what is wrong with it.
    func assignments() -> (found: [Assignment], errors: [SettingError]) {
        guard bytes.count <= Self.sizeLimit else {
            return ([], [error("the file has \(bytes.count) bytes", remedy: "at most \(Self.sizeLimit)")])
        }
        do {
            let document = try JSONParser.parse(bytes)
            return assignments(in: document)
        } catch {
            return ([], [notJSON(error)])
        }
    }

    private func assignments(in document: JSONDocument) -> (found: [Assignment], errors: [SettingError]) {
        var root = document.value
        if case .array(let elements) = root, let first = elements.first { root = first }
        guard case .object(let sections) = root else {
            return ([], [error("\(document.value.found) is not an object of sections", remedy: Self.form)])
        }
        var found: [Assignment] = []
        var errors: [SettingError] = []
        for (section, value) in inOrder(sections, under: "", document.lines) {
            let line = document.lines[section]
            guard Configuration.sections.contains(section) else {
                errors.append(error("no such section", remedy: advice(on: section), key: section, line: line))
                continue
            }
            guard case .object(let members) = value else {
                errors.append(
                    error("\(value.found) is not an object of settings", remedy: Self.form, key: section, line: line))
                continue
            }
            for (name, value) in inOrder(members, under: "\(section).", document.lines) {
                let key = "\(section).\(name)"
                let origin = Origin.file(path: path, line: document.lines[key])
                found.append(Assignment(key: key, input: .json(value), origin: origin))
            }
        }
        return (found, errors)
    }

    private static let form = "{\"service\": {\"grey_delay\": 300}}"

    private func advice(on section: String) -> String? {
        if let field = Configuration.field(section) { return "put \(field.name) into the section \(field.section)" }
        if let field = Configuration.fields.first(where: { $0.name == section }) {
            return "put it into the section \(field.section)"
        }
        return suggestion(for: section, among: Configuration.sections)
    }

    /// The members of an object in the order of their lines.
    private func inOrder(
        _ members: [String: JSONValue], under prefix: String, _ lines: [String: Int]
    ) -> [(key: String, value: JSONValue)] {
        members.sorted { (lines[prefix + $0.key] ?? 0, $0.key) < (lines[prefix + $1.key] ?? 0, $1.key) }
    }

    private func error(
        _ complaint: String, remedy: String?, key: String? = nil, line: Int? = nil
    ) -> SettingError {
        SettingError(origin: .file(path: path, line: line), key: key, complaint: complaint, remedy: remedy)
    }

    private func notJSON(_ fault: JSONFault) -> SettingError {
        error("not JSON: \(fault.complaint) at column \(fault.column)", remedy: fault.remedy, line: fault.line)
    }
}
