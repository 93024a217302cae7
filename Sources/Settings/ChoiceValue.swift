import JSONText

/// A setting that is one of a few words.
protocol ChoiceValue: SettingValue, CaseIterable, RawRepresentable where RawValue == String {
    /// Other words that are accepted.
    static var synonyms: [String: Self] { get }
}

extension ChoiceValue {
    static var synonyms: [String: Self] { [:] }
    static var typeName: String { "word" }
    static var choices: [String] { allCases.map(\.rawValue) }

    init(text: String) throws(Complaint) {
        guard let value = Self(rawValue: text) ?? Self.synonyms[text] else {
            throw Complaint(
                "\(shortened(text)) is not one of \(Self.choices.joined(separator: ", "))",
                remedy: suggestion(for: text, among: Self.choices + Self.synonyms.keys.sorted()))
        }
        self = value
    }

    init(json: JSONValue) throws(Complaint) {
        guard case .string(let text) = json else {
            throw Complaint("\(json.found) is not one of \(Self.choices.joined(separator: ", "))")
        }
        self = try Self(text: text)
    }

    var text: String { rawValue }
    var json: JSONValue { .string(rawValue) }
}
