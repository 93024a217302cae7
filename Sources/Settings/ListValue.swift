import JSONText

extension [String]: SettingValue {
    static var typeName: String { "list of texts" }

    /// Reads texts between commas, blanks around them dropped, or a JSON list if it begins with `[`.
    init(text: String) throws(Complaint) {
        let trimmed = trimmingBlanks(text[...])
        guard trimmed.first == "[" else {
            self = trimmed.isEmpty ? [] : trimmed.split(separator: ",").map { String(trimmingBlanks($0)) }
            guard !contains("") else {
                throw Complaint("\(shortened(text)) has an empty element", remedy: "texts with a comma between two")
            }
            return
        }
        try self.init(json: .reading(text))
    }

    init(json: JSONValue) throws(Complaint) {
        guard case .array(let values) = json else {
            throw Complaint("\(json.found) is not a list of texts", remedy: "a list is written [\"one\", \"two\"]")
        }
        self = []
        for value in values {
            guard case .string(let text) = value else {
                throw Complaint("\(value.found) in a list of texts is not a text", remedy: "a text needs quotes")
            }
            append(text)
        }
    }

    var text: String { json.text }
    var json: JSONValue { .array(map { .string($0) }) }
}

/// A text without the blanks at its ends.
func trimmingBlanks(_ text: Substring) -> Substring {
    var rest = text.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
}
