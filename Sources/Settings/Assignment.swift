import Bytes
public import JSONText

/// One value that somebody gives to one setting.
public struct Assignment: Sendable, Equatable {
    /// The form in which a value comes.
    public enum Input: Sendable, Equatable {
        /// From a file, or with a type from an injection.
        case json(JSONValue)
        /// From a flag, the environment or an injection.
        case text(String)
    }

    /// The setting, such as `service.grey_delay`.
    public var key: String
    /// The value.
    public var input: Input
    /// Who gives it.
    public var origin: Origin

    /// A value for a setting; whether either is right shows when it is applied.
    public init(key: String, input: Input, origin: Origin) {
        self.key = key
        self.input = input
        self.origin = origin
    }
}

/// Where the value of a setting comes from.
public enum Origin: Sendable, Equatable, CustomStringConvertible {
    /// Nobody gave one.
    case `default`
    /// A file, and the line where that is known.
    case file(path: String, line: Int?)
    /// A variable of the environment.
    case environment(name: String)
    /// A flag, such as `--delay`.
    case flag(name: String)
    /// An injection, `-i`.
    case injection

    /// Such as `/etc/tprt.conf:12`, `--delay` or `default`.
    public var description: String {
        switch self {
        case .default: "default"
        case .file(let path, let line): bareOrQuoted(path) + (line.map { ":\($0)" } ?? "")
        case .environment(let name): named(name)
        case .flag(let name): name
        case .injection: "-i"
        }
    }

    /// Whether the origin already says which setting is meant.
    var namesItsSetting: Bool {
        switch self {
        case .environment, .flag: true
        case .default, .file, .injection: false
        }
    }
}

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
                origin: .injection, message: "\(shortened(injection)) gives no value",
                remedy: "section.key=value")
        }
        let key = String(injection[..<equals])
        let value = injection[injection.index(after: equals)...]
        do {
            self.init(key: key, input: try Self.typed(value), origin: .injection)
        } catch {
            throw SettingError(origin: .injection, key: key, message: error.message, remedy: error.remedy)
        }
    }

    private static func typed(_ value: Substring) throws(ValueError) -> Input {
        guard value.first == ":", let end = value.dropFirst().firstIndex(of: ":") else { return .text(String(value)) }
        let name = String(value[..<end].dropFirst())
        let text = String(value[value.index(after: end)...])
        guard !name.isEmpty, name.utf8.allSatisfy(\.isLetter) else { return .text(String(value)) }
        let names = InjectedType.allCases.map(\.rawValue)
        switch InjectedType(rawValue: name) {
        case .bool: return .json(.bool(try Bool(text: text)))
        case .int: return .json(.int(try Int(text: text)))
        case .float:
            guard let number = Double(text), number.isFinite else {
                throw ValueError("\(shortened(text)) is not a number")
            }
            return .json(.double(number))
        case .bytes: return .text(text)
        case .complex: throw ValueError("no setting is a complex number")
        case nil:
            throw ValueError(
                "\(shortened(name)) is not one of the types \(names.joined(separator: ", "))",
                remedy: suggestion(for: name, among: names))
        }
    }
}
