import JSONText

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
            return assignments(in: try JSONParser.parse(bytes))
        } catch let fault {
            return ([], [error(fault.description, remedy: fault.remedy, line: fault.line)])
        }
    }

    private func assignments(in root: JSONNode) -> (found: [Assignment], errors: [SettingError]) {
        var sections = root
        if case .array(let elements) = root.content, let first = elements.first { sections = first }
        guard case .object(let members) = sections.content else {
            return ([], [error("\(root.value.found) is not an object of sections", remedy: Self.form)])
        }
        var found: [Assignment] = []
        var errors: [SettingError] = []
        for section in standing(in: members) {
            guard Configuration.sections.contains(section.key) else {
                errors.append(error("no such section", remedy: advice(on: section.key), section))
                continue
            }
            guard case .object(let settings) = section.node.content else {
                let found = section.node.value.found
                errors.append(error("\(found) is not an object of settings", remedy: Self.form, section))
                continue
            }
            for setting in standing(in: settings) {
                let origin = Origin.file(path: path, line: setting.line)
                let key = "\(section.key).\(setting.key)"
                found.append(Assignment(key: key, input: .json(setting.node.value), origin: origin))
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

    /// The members of an object in their order; of a key that is given twice, the last.
    private func standing(in members: [JSONMember]) -> [JSONMember] {
        members.standing.values.sorted().map { members[$0] }
    }

    private func error(_ message: String, remedy: String?, _ section: JSONMember) -> SettingError {
        error(message, remedy: remedy, key: section.key, line: section.line)
    }

    private func error(
        _ message: String, remedy: String?, key: String? = nil, line: Int? = nil
    ) -> SettingError {
        SettingError(origin: .file(path: path, line: line), key: key, message: message, remedy: remedy)
    }
}
