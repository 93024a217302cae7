public import JSONText

/// The declaration of one setting: its names, its type, what it takes and what it means.
///
/// `Configuration.fields` lists them all. A field knows which property it stands for, but not a type: values come and
/// go as text or as JSON.
public struct Field: Sendable {
    /// The names of a setting on the command line.
    public struct Flag: Sendable, Equatable {
        /// The name behind two dashes, such as `log_level`.
        public let long: String
        /// The letter behind one dash, if there is one.
        public let short: Character?

        /// The long name with dashes in place of underscores, where it has any.
        public var dashed: String? {
            long.contains("_") ? String(long.map { $0 == "_" ? "-" : $0 }) : nil
        }
    }

    /// The name in files and messages, such as `service.grey_delay`.
    public let key: String
    /// One sentence on what the setting means.
    public let summary: String
    /// More on it; often empty.
    public let discussion: String
    /// What manuals call its type, such as `duration`.
    public let typeName: String
    /// The words it takes, where there are but a few.
    public let choices: [String]
    /// Which values of its type it takes, such as `8 to 32`; empty: all.
    public let allowed: String
    /// Its names on the command line, where it has any.
    public let flag: Flag?
    /// Whether the value may hold a password.
    public let isSecret: Bool
    /// Whether a reload may change it; if not, that takes a restart.
    public let mayReload: Bool
    /// Whether it is known only so that it can be refused with advice: a setting of TPRT 0.9.3 that has no meaning here.
    public let isRefused: Bool

    private let applyInput: @Sendable (Assignment.Input, inout Configuration) throws(ValueError) -> Void
    private let readJSON: @Sendable (Configuration) -> JSONValue
    private let readText: @Sendable (Configuration) -> String

    init<Value: SettingValue>(
        _ key: String, _ path: any WritableKeyPath<Configuration, Value> & Sendable, _ summary: String,
        discussion: String = "", allowed: Allowed<Value> = .any, flag: String? = nil, short: Character? = nil,
        secret: Bool = false, reload: Bool = false, refused: Bool = false
    ) {
        self.key = key
        self.summary = summary
        self.discussion = discussion
        typeName = Value.typeName
        choices = Value.choices
        self.allowed = allowed.message
        self.flag = flag.map { Flag(long: $0, short: short) }
        isSecret = secret
        mayReload = reload
        isRefused = refused
        applyInput = { (input, configuration) throws(ValueError) in
            let value: Value
            switch input {
            case .json(let json): value = try Value(json: json)
            case .text(let text): value = try Value(text: text)
            }
            try allowed.check(value)
            configuration[keyPath: path] = value
        }
        readJSON = { $0[keyPath: path].json }
        readText = { $0[keyPath: path].text }
    }

    /// The section, such as `service`.
    public var section: String { String(key.prefix { $0 != "." }) }

    /// The name inside the section, such as `grey_delay`.
    public var name: String { String(key.drop { $0 != "." }.dropFirst()) }

    /// The environment variable that sets it, such as `TPRT_SERVICE_GREY_DELAY`.
    public var environmentName: String { "TPRT_\(section)_\(name)".uppercased() }

    /// Sets the value from a file's JSON or from a text; on an error, nothing changes.
    ///
    /// What an error says never shows a password.
    public func apply(_ input: Assignment.Input, to configuration: inout Configuration) throws(ValueError) {
        do {
            try refuseHiddenPassword(input)
            try applyInput(input, &configuration)
        } catch {
            guard isSecret else { throw error }
            throw ValueError(hidingPasswords(error.message), remedy: error.remedy)
        }
    }

    /// The value as JSON, as a file takes it.
    public func json(in configuration: Configuration, revealingSecrets: Bool = false) -> JSONValue {
        let json = readJSON(configuration)
        return isSecret && !revealingSecrets ? hidingPasswords(json) : json
    }

    /// The value as text, as a flag or the environment takes it.
    public func text(in configuration: Configuration, revealingSecrets: Bool = false) -> String {
        guard isSecret, !revealingSecrets else { return readText(configuration) }
        if case .string(let text) = json(in: configuration) { return text }
        return json(in: configuration).text
    }

    /// What was printed with its password hidden must not come back as if `***` were the password.
    private func refuseHiddenPassword(_ input: Assignment.Input) throws(ValueError) {
        guard isSecret, input.holdsHiddenPassword else { return }
        throw ValueError("the password is \(hiddenPassword), which stands for a hidden one", remedy: "write it out")
    }
}
