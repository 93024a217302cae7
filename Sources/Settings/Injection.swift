import JSONText

/// The types that an injected value may name.
private enum InjectedType: String, CaseIterable {
    case bool, int, float, complex, bytes
}

extension Assignment {
    /// Reads an injection, `section.key=[:type:]value`.
    ///
    /// Without a type the value is read as its setting reads text; lists and objects may be JSON.
    init(injection: String) throws(SettingError) {
        guard let equals = injection.firstIndex(of: "="), equals != injection.startIndex else {
            throw SettingError(
                origin: .injection, complaint: "\(shortened(injection)) gives no value",
                remedy: "section.key=value")
        }
        let key = String(injection[..<equals])
        let value = injection[injection.index(after: equals)...]
        do {
            self.init(key: key, input: try Self.typed(value), origin: .injection)
        } catch {
            throw SettingError(origin: .injection, key: key, complaint: error.sentence, remedy: error.remedy)
        }
    }

    private static func typed(_ value: Substring) throws(Complaint) -> Input {
        guard value.first == ":", let end = value.dropFirst().firstIndex(of: ":") else { return .text(String(value)) }
        let name = String(value[..<end].dropFirst())
        let text = String(value[value.index(after: end)...])
        guard !name.isEmpty, name.utf8.allSatisfy(isLetter) else { return .text(String(value)) }
        let names = InjectedType.allCases.map(\.rawValue)
        switch InjectedType(rawValue: name) {
        case .bool: return .json(.bool(try Bool(text: text)))
        case .int: return .json(.int(try Int(text: text)))
        case .float:
            guard let number = Double(text), number.isFinite else {
                throw Complaint("\(shortened(text)) is not a number")
            }
            return .json(.double(number))
        case .bytes: return .text(text)
        case .complex: throw Complaint("no setting is a complex number")
        case nil:
            throw Complaint(
                "\(shortened(name)) is not one of the types \(names.joined(separator: ", "))",
                remedy: suggestion(for: name, among: names))
        }
    }
}
