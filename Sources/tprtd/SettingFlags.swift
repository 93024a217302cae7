import ArgumentParser
import Settings

/// The flags of all settings that have one, made from `Configuration.fields`.
///
/// ArgumentParser looks for options in the mirror of a value, so the mirror shows one for each such field.
struct SettingFlags: ParsableArguments, CustomReflectable {
    /// What the command line says, in the order of the fields.
    private(set) var assignments: [Assignment] = []

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for field in Configuration.fields {
            guard let flag = field.flag else { continue }
            if let text = try container.decodeIfPresent(String.self, forKey: AnyKey(field.key)) {
                let origin = Origin.flag(name: "--\(flag.long)")
                assignments.append(Assignment(key: field.key, input: .text(text), origin: origin))
            }
        }
    }

    var customMirror: Mirror {
        let options = Configuration.fields.compactMap { field in
            field.flag.map { (label: Optional("_\(field.key)"), value: option(field, $0) as Any) }
        }
        return Mirror(self, children: options)
    }

    private func option(_ field: Field, _ flag: Field.Flag) -> Option<String?> {
        var names = [NameSpecification.Element.customLong(flag.long)]
        if let short = flag.short { names.insert(.customShort(short, allowingJoined: true), at: 0) }
        if let dashed = flag.dashed { names.append(.customLong(dashed)) }
        return Option(
            name: NameSpecification(names),
            help: ArgumentHelp(
                "\(field.summary) \(field.form)", discussion: field.discussion, valueName: valueName(of: field)),
            completion: field.choices.isEmpty ? .default : .list(field.choices))
    }

    private func valueName(of field: Field) -> String {
        field.choices.isEmpty ? String(field.typeName.map { $0 == " " ? "-" : $0 }) : "word"
    }
}

/// A coding key of any name.
private struct AnyKey: CodingKey {
    let stringValue: String

    init(_ name: String) {
        stringValue = name
    }

    init?(stringValue: String) {
        self.init(stringValue)
    }

    init?(intValue: Int) {
        nil
    }

    var intValue: Int? { nil }
}
