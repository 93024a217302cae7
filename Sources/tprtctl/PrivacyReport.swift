import History
import JSONText
import Programs
import Settings
import StoreURLs

/// What a site keeps of whom: where, in which form, for how long; and what of it is more than greylisting needs.
struct PrivacyReport {
    /// Something that is kept.
    struct Item: Equatable {
        let name: String
        let place: String
        let holds: String
        let form: String
        let kept: String
        let settings: [String]
    }

    /// Something that needn't be kept so, and the setting that changes it.
    struct Advice: Equatable {
        let setting: String
        let value: String
        let reason: String
    }

    /// What is there of the key of the site; its contents are never looked at.
    enum KeyState: String {
        case unused = "not used"
        case present
        case missing
        case unreadable = "can't be seen"
    }

    private(set) var items: [Item] = []
    private(set) var advice: [Advice] = []
    let keyPath: String
    let key: KeyState

    private let log: Configuration.Log
    private let service: Configuration.Service
    private let server: Configuration.Server
    private let state: StateDirectory

    /// The report on these settings.
    init(_ configuration: Configuration, in state: StateDirectory) {
        (log, service, server) = (configuration.log, configuration.service, configuration.server)
        self.state = state
        keyPath = state.expand(configuration.service.privacyKey)
        key =
            configuration.usesSiteKey
            ? SiteKeyFile(path: keyPath).presence.map { $0 ? .present : .missing } ?? .unreadable : .unused
        addStores()
        addHistory()
        addLog()
        addRest()
        adviseOnStores()
        adviseOnRest()
    }

    // MARK: Stores

    private mutating func addStores() {
        let greylist = place(service.greyDb)
        let window =
            "\(days(service.greyRetryWindow)) after a first attempt, \(days(service.greyMaxAge)) after the last pass"
        items.append(
            Item(
                name: "greylist", place: greylist,
                holds: "network or organisation, sender and recipient of mail, how often and when it came",
                form: keyForm,
                kept: window,
                settings: ["grey_db", "privacy", "hash_grey_db", "grey_retry_window", "grey_max_age"]))
        if service.awlClientCount > 0 {
            items.append(
                Item(
                    name: "auto-whitelist", place: service.awlDb.isEmpty ? greylist : place(service.awlDb),
                    holds:
                        "\(service.awlBy == .address ? "addresses" : "networks") of clients, how often and when they passed",
                    form: keyForm, kept: "\(days(service.greyMaxAge)) after the last pass",
                    settings: ["awl_db", "awl_client_count", "awl_by", "privacy", "grey_max_age"]))
        }
        guard service.identity != .off else { return }
        let identities = service.identityDb.isEmpty ? greylist : place(service.identityDb)
        if service.fastLane == .all {
            items.append(
                Item(
                    name: "organisations", place: identities,
                    holds: "sending organisations, days and recipients counted",
                    form: "names in plain text, no addresses",
                    kept: "\(days(service.identityMaxAge)) after the last mail",
                    settings: ["identity_db", "fast_lane", "identity_max_age"]))
        }
        if service.learn, service.fastLane != .off {
            items.append(
                Item(
                    name: "correspondents", place: identities, holds: "whom your users wrote to, and when last",
                    form: keyForm, kept: "\(days(service.learnedMaxAge)) after the last mail",
                    settings: ["identity_db", "learn", "privacy", "learned_max_age"]))
        }
    }

    /// What the keys of entries are.
    private var keyForm: String {
        switch service.privacy {
        case .keyed: "digests under the key of the site"
        case .standard: service.hashGreyDb ? "digests that can be tried (SHA-1)" : "plain text"
        }
    }

    private mutating func adviseOnStores() {
        if service.privacy == .standard {
            let form =
                service.hashGreyDb
                ? "who has a copy of the database can try who wrote to whom"
                : "who has a copy of the database can read who wrote to whom"
            advice.append(Advice(setting: "service.privacy", value: "keyed", reason: form))
        }
        if !service.postgreyDigests.isEmpty {
            advice.append(
                Advice(
                    setting: "service.postgrey_digests", value: "",
                    reason:
                        "digests of postgrey's can be tried; once it is replaced for \(days(service.greyMaxAge)), all in use are ours"
                ))
        }
        if service.identity != .off, service.learn, service.fastLane != .off {
            advice.append(
                Advice(
                    setting: "service.learn", value: "false",
                    reason:
                        "whom your users wrote to is kept so that the answer needn't wait; without it greylisting goes on"
                ))
        }
    }

    // MARK: The rest

    private mutating func addHistory() {
        guard !service.historyDb.isEmpty else { return }
        let (holds, form): (String, String) =
            switch service.historyAddresses {
            case .full: ("senders, recipients, clients with address and name, HELO names", "plain text")
            case .domain: ("domains of senders and recipients, clients with address and name, HELO names", "plain text")
            case .hashed:
                ("senders and recipients, networks of clients, organisations", "digests \(digestKey); plain text")
            }
        items.append(
            Item(
                name: "history", place: state.expand(service.historyDb), holds: holds, form: form,
                kept: "\(days(service.historyMaxAge)), at most \(text("service.history_max_size"))",
                settings: ["history_db", "history_addresses", "history_max_age", "history_max_size"]))
        if !server.httpListen.isEmpty {
            items.append(
                Item(
                    name: "page", place: server.httpListen,
                    holds: "what the history has, for those with a code of tprtctl web",
                    form: "as in the history", kept: "nothing of its own",
                    settings: ["http_listen", "history_addresses"]))
        }
    }

    /// Under which key the history and the log have digests.
    private var digestKey: String {
        service.privacy == .keyed || log.logAddresses == .hashed
            ? "under the key of the site" : "by a key in the file itself, which can be tried"
    }

    private mutating func addLog() {
        guard log.logLevel > 1, log.logType != .none else { return }
        let clients = log.logAddresses == .hashed ? "networks of clients" : "clients with address and name"
        let mail =
            switch log.logAddresses {
            case .full: "senders and recipients"
            case .domain: "domains of senders and recipients"
            case .hashed: "senders and recipients"
            }
        let place =
            switch log.logType {
            case .file: log.logFile
            case .syslog: "syslog at \(log.logSyslogDest)"
            case .journald: "systemd's journal"
            case .stderr, .stdout, .none, .fromConfig: log.logType.rawValue
            }
        items.append(
            Item(
                name: "log", place: log.logCopy == .none ? place : "\(place), \(log.logCopy.rawValue)",
                holds: "decisions: \(mail), \(clients)" + (log.logLevel > 2 ? ", and each step" : ""),
                form: log.logAddresses == .hashed ? "digests \(digestKey); plain text" : "plain text",
                kept: "as long as whoever rotates it says", settings: ["log_type", "log_level", "log_addresses"]))
    }

    private mutating func addRest() {
        if !server.httpListen.isEmpty {
            items.append(
                Item(
                    name: "metrics", place: server.httpListen, holds: "counts, no address and no name", form: "numbers",
                    kept: "until tprtd ends", settings: ["http_listen"]))
        }
        let files = [service.greyDb, service.historyDb].map(state.expand).compactMap(Self.file)
        guard !files.isEmpty else { return }
        items.append(
            Item(
                name: "quarantine", place: files.map { "\($0).corrupt-*" }.joined(separator: ", "),
                holds: "damaged files that were replaced", form: "as they were", kept: "until you remove them",
                settings: []))
    }

    private mutating func adviseOnRest() {
        if !service.historyDb.isEmpty, service.historyAddresses != .hashed {
            advice.append(
                Advice(
                    setting: "service.history_addresses", value: "hashed",
                    reason: "greylisting doesn't read the history; tprtctl why still finds a mail by its addresses"))
        }
        if log.logLevel > 1, log.logType != .none, log.logAddresses == .full {
            advice.append(
                Advice(
                    setting: "log.log_addresses", value: "hashed",
                    reason:
                        "Postfix logs senders and recipients, too; nothing reads them from tprtd's log but what you set up"
                ))
        }
        if log.logLevel > 2, log.logType != .none {
            advice.append(
                Advice(setting: "log.log_level", value: "2", reason: "each step of each decision is for finding faults")
            )
        }
    }

    // MARK: Words

    /// The place of a store, without what may be a password.
    private func place(_ url: String) -> String {
        let url = state.expand(url)
        return Self.file(url) == nil ? CopyEndpoint.safe(url) : url
    }

    /// The file that a URL or a path names; nil where that is none.
    private static func file(_ text: String) -> String? {
        text.hasPrefix("/") ? text : (try? StoreLocation(url: text))?.file
    }

    private func text(_ key: String) -> String {
        var configuration = Configuration()
        (configuration.log, configuration.service, configuration.server) = (log, service, server)
        return Configuration.field(key)?.text(in: configuration) ?? ""
    }

    private func days(_ duration: Duration) -> String { HistoryWords.duration(duration.components.seconds) }

    /// For people.
    var text: String {
        var lines: [String] = []
        for item in items {
            lines.append("\(item.name): \(item.place)")
            lines += FoldedText(item.holds, lead: "  what:   ").lines
            lines += FoldedText(item.form, lead: "  form:   ").lines
            lines += FoldedText(item.kept, lead: "  kept:   ").lines
        }
        if key != .unused { lines.append("key of the site: \(keyPath) (\(key.rawValue))") }
        if !advice.isEmpty {
            lines += ["", "more than greylisting needs:"]
            for advice in advice {
                lines += FoldedText("\(advice.setting): \(quoted(advice.value))", lead: "  - ", columns: .max).lines
                lines += FoldedText(advice.reason, lead: "    ").lines
            }
        }
        return lines.joined(separator: "\n")
    }

    /// For programs.
    var json: JSONValue {
        let items = items.map { item in
            JSONValue.object([
                "name": .string(item.name), "place": .string(item.place), "holds": .string(item.holds),
                "form": .string(item.form), "kept": .string(item.kept),
                "settings": .array(item.settings.map { .string($0) }),
            ])
        }
        let advice = advice.map { advice in
            JSONValue.object([
                "setting": .string(advice.setting), "value": .string(advice.value), "reason": .string(advice.reason),
            ])
        }
        return .object([
            "items": .array(items), "advice": .array(advice),
            "key": .object(["path": .string(keyPath), "state": .string(key.rawValue)]),
        ])
    }
}
