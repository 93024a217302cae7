import JSONText

/// Where log lines go.
public enum LogType: String, CaseIterable, Sendable, ChoiceValue {
    /// To standard error.
    case stderr
    /// To standard output.
    case stdout
    /// To the file `log.log_file`.
    case file
    /// To the system's log.
    case syslog
    /// To systemd's journal, with the fields of a decision.
    case journald
    /// Nowhere.
    case none
    /// As a Python logging dictionary says; known so that it can be refused with advice.
    case fromConfig = "from_config"

    static var refused: [LogType] { [.fromConfig] }
}

/// Where a copy of each log line goes.
public enum LogCopy: String, CaseIterable, Sendable, ChoiceValue {
    /// There is none.
    case none
    /// To standard output.
    case stdout
    /// To standard error.
    case stderr
}

/// The form of a log line.
public enum LogFormat: String, CaseIterable, Sendable, ChoiceValue {
    /// As postgrey writes them.
    case postgrey
    /// `key=value` pairs.
    case logfmt
    /// One JSON object a line.
    case json
}

/// The form of a message to the system's log.
public enum SyslogFormat: String, CaseIterable, Sendable, ChoiceValue {
    /// As RFC 3164 has it, and local daemons expect it.
    case rfc3164
    /// As RFC 5424 has it.
    case rfc5424
}

/// A facility of the system's log.
public enum LogFacility: String, CaseIterable, Sendable, ChoiceValue {
    /// The facilities that every syslog has, by their names there.
    case auth, authpriv, cron, daemon, ftp, kern, lpr, mail, news, syslog, user, uucp
    /// The facilities that a site gives a meaning to.
    case local0, local1, local2, local3, local4, local5, local6, local7
}

/// The kind of the first listening socket.
public enum SocketType: String, CaseIterable, Sendable, ChoiceValue {
    /// A socket in the file system.
    case unix
    /// TCP.
    case inet

    static var synonyms: [String: SocketType] { ["tcp": .inet] }
}

/// What a decision does.
public enum Mode: String, CaseIterable, Sendable, ChoiceValue {
    /// Answers what was decided.
    case enforce
    /// Decides, logs and counts, and answers `DUNNO`.
    case observe
}

/// By what the auto-whitelist knows a client.
public enum ClientIdentity: String, CaseIterable, Sendable, ChoiceValue {
    /// By its network, as triplets do.
    case network
    /// By its address alone.
    case address
}

/// By what a client is known beside its network.
public enum IdentityMethod: String, CaseIterable, Sendable, ChoiceValue {
    /// By its name, and by the SPF record of the sender's domain where that doesn't do.
    case spf
    /// By its name.
    case name
    /// By nothing.
    case off
}

/// Which senders need not wait.
public enum FastLaneChoice: String, CaseIterable, Sendable, ChoiceValue {
    /// Those that the site's users wrote to, and organisations that have earned it.
    case all
    /// Those that the site's users wrote to.
    case correspondents
    /// None.
    case off
}

/// What becomes of several recipients of one message.
public enum MessageConsistency: String, CaseIterable, Sendable, ChoiceValue {
    /// What lets one pass lets others pass, too.
    case carry
    /// Each is judged by itself.
    case off
}

/// When a decision is on disk.
public enum Durability: String, CaseIterable, Sendable, ChoiceValue {
    /// Before its reply.
    case commit
    /// Within `service.sync_interval`.
    case interval
}

/// What the keys of entries are.
public enum KeyPrivacy: String, CaseIterable, Sendable, ChoiceValue {
    /// What `service.hash_grey_db` says: digests that anybody can make, or texts.
    case standard
    /// Digests under a key of the site.
    case keyed
}

/// How much of senders and recipients the log shows, or the history keeps.
public enum AddressForm: String, CaseIterable, Sendable, ChoiceValue {
    /// All of it.
    case full
    /// Their domains.
    case domain
    /// A digest.
    case hashed
}

/// The answer where greylisting can't keep a record.
public enum WithoutRecord: String, CaseIterable, Sendable, ChoiceValue {
    /// Let the mail pass.
    case dunno
    /// Ask the sender to come back.
    case `defer`
}

/// What stands in for a database that is out of reach.
public enum StoreFallback: String, CaseIterable, Sendable, ChoiceValue {
    /// Nothing.
    case none
    /// A database in memory.
    case memory
}

/// A setting that is one of a few words.
protocol ChoiceValue: SettingValue, CaseIterable, RawRepresentable where RawValue == String {
    /// Other words that are accepted.
    static var synonyms: [String: Self] { get }
    /// Values of TPRT 0.9.3 that are read so that they can be refused with advice; not among `choices`.
    static var refused: [Self] { get }
}

extension ChoiceValue {
    static var synonyms: [String: Self] { [:] }
    static var refused: [Self] { [] }
    static var typeName: String { "word" }
    static var choices: [String] { allCases.filter { !refused.contains($0) }.map(\.rawValue) }

    init(text: String) throws(ValueError) {
        guard let value = Self(rawValue: text) ?? Self.synonyms[text] else {
            throw ValueError(
                "\(shortened(text)) is not one of \(Self.choices.joined(separator: ", "))",
                remedy: suggestion(for: text, among: Self.choices + Self.synonyms.keys.sorted()))
        }
        self = value
    }

    init(json: JSONValue) throws(ValueError) {
        guard case .string(let text) = json else {
            throw ValueError("\(json.found) is not one of \(Self.choices.joined(separator: ", "))")
        }
        self = try Self(text: text)
    }

    var text: String { rawValue }
    var json: JSONValue { .string(rawValue) }
}
