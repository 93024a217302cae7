import JSONText

extension JSONValue: SettingValue {
    static var typeName: String { "object" }

    /// Reads an object, written as JSON.
    init(text: String) throws(Complaint) {
        try self.init(json: .reading(text))
    }

    init(json: JSONValue) throws(Complaint) {
        guard case .object = json else {
            throw Complaint("\(json.found) is not an object", remedy: "an object is written {\"key\": \"value\"}")
        }
        self = json
    }

    var json: JSONValue { self }

    /// Reads JSON of any kind that is itself inside a value.
    static func reading(_ text: String) throws(Complaint) -> JSONValue {
        do {
            return try JSONParser.parse(Array(text.utf8)).value
        } catch {
            throw Complaint(error.sentence, remedy: error.remedy)
        }
    }
}
