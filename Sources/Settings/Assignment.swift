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
