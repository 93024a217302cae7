public import JSONText

/// How a daemon is: the verb `status`.
public struct DaemonStatus: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "status"

    /// A part of the daemon.
    public struct Part: Sendable, Equatable {
        /// How a part is.
        public enum Condition: String, Sendable, CaseIterable {
            /// As it should be.
            case working
            /// Not as it should be: one of the problems tells of it.
            case degraded
            /// Switched off.
            case off
        }

        /// What it is, such as `store`.
        public var name: String
        /// How it is.
        public var condition: Condition
        /// The same in a few words.
        public var summary: String
        /// Where it is: a path, a URL without its password, an address; empty for nothing.
        public var place: String

        /// A part that is like this.
        public init(_ name: String, _ condition: Condition, _ summary: String, place: String = "") {
            self.name = name
            self.condition = condition
            self.summary = summary
            self.place = place
        }
    }

    /// Something that doesn't work as it should.
    public struct Problem: Sendable, Equatable {
        /// What, and what that means for mail: a sentence.
        public var sentence: String
        /// What to do about it; empty where there is nothing to do.
        public var remedy: String

        /// A problem and its remedy.
        public init(_ sentence: String, remedy: String = "") {
            self.sentence = sentence
            self.remedy = remedy
        }
    }

    /// Decisions of a time.
    public struct Decisions: Sendable, Equatable {
        /// How many passed without having waited.
        public var passedAtOnce: Int
        /// How many passed for the first time after they had waited.
        public var passedAfterWaiting: Int
        /// How many were deferred.
        public var deferred: Int

        /// So many.
        public init(passedAtOnce: Int, passedAfterWaiting: Int, deferred: Int) {
            self.passedAtOnce = passedAtOnce
            self.passedAfterWaiting = passedAfterWaiting
            self.deferred = deferred
        }
    }

    /// The name of the machine.
    public var host: String
    /// The daemon's version.
    public var version: String
    /// The number of its process.
    public var process: Int
    /// When it began to serve, in seconds since 1970-01-01T00:00:00Z.
    public var startedAt: Int64
    /// Whether it only observes.
    public var isObserving: Bool
    /// What doesn't work as it should; empty where all does.
    public var problems: [Problem] = []
    /// What it is made of.
    public var parts: [Part] = []
    /// How many first attempts wait for their retry; nil where the store doesn't count them.
    public var pending: Int?
    /// What it has decided in the last hour; nil without a history.
    public var lastHour: Decisions?
    /// Likewise in the last day.
    public var lastDay: Decisions?

    /// A daemon of which nothing else is known.
    public init(host: String, version: String, process: Int, startedAt: Int64, isObserving: Bool) {
        self.host = host
        self.version = version
        self.process = process
        self.startedAt = startedAt
        self.isObserving = isObserving
    }

    /// As JSON; what isn't known is left out.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "host": .string(host), "version": .string(version), "process": .int(process),
            "started_at": .int(Int(startedAt)), "observing": .bool(isObserving),
            "problems": .array(
                problems.map { .object(["sentence": .string($0.sentence), "remedy": .string($0.remedy)]) }),
            "parts": .array(
                parts.map { part in
                    .object([
                        "name": .string(part.name), "condition": .string(part.condition.rawValue),
                        "summary": .string(part.summary), "place": .string(part.place),
                    ])
                }),
        ]
        if let pending { members["pending"] = .int(pending) }
        if let lastHour { members["last_hour"] = lastHour.json }
        if let lastDay { members["last_day"] = lastDay.json }
        return .object(members)
    }

    /// The reply.
    public var reply: ControlReply { ControlReply(messages: [json.text]) }

    /// What a reply says; nil where it is none.
    public init?(_ reply: ControlReply) {
        guard reply.status == 0, let text = reply.messages.first,
            let value = try? JSONParser.parse(Array(text.utf8)).value, case .object(let members) = value,
            case .string(let host)? = members["host"], case .string(let version)? = members["version"],
            case .int(let process)? = members["process"], case .int(let startedAt)? = members["started_at"],
            case .bool(let isObserving)? = members["observing"], case .array(let problems)? = members["problems"],
            case .array(let parts)? = members["parts"]
        else { return nil }
        self.init(
            host: host, version: version, process: process, startedAt: Int64(startedAt), isObserving: isObserving)
        self.problems = problems.compactMap(Problem.init)
        self.parts = parts.compactMap(Part.init)
        if case .int(let pending)? = members["pending"] { self.pending = pending }
        lastHour = members["last_hour"].flatMap(Decisions.init)
        lastDay = members["last_day"].flatMap(Decisions.init)
    }
}

extension DaemonStatus.Problem {
    fileprivate init?(_ value: JSONValue) {
        guard case .object(let members) = value, case .string(let sentence)? = members["sentence"],
            case .string(let remedy)? = members["remedy"]
        else { return nil }
        self.init(sentence, remedy: remedy)
    }
}

extension DaemonStatus.Part {
    fileprivate init?(_ value: JSONValue) {
        guard case .object(let members) = value, case .string(let name)? = members["name"],
            case .string(let word)? = members["condition"], let condition = Condition(rawValue: word),
            case .string(let summary)? = members["summary"], case .string(let place)? = members["place"]
        else { return nil }
        self.init(name, condition, summary, place: place)
    }
}

extension DaemonStatus.Decisions {
    fileprivate var json: JSONValue {
        .object([
            "passed_at_once": .int(passedAtOnce), "passed_after_waiting": .int(passedAfterWaiting),
            "deferred": .int(deferred),
        ])
    }

    fileprivate init?(_ value: JSONValue) {
        guard case .object(let members) = value, case .int(let atOnce)? = members["passed_at_once"],
            case .int(let afterWaiting)? = members["passed_after_waiting"],
            case .int(let deferred)? = members["deferred"]
        else { return nil }
        self.init(passedAtOnce: atOnce, passedAfterWaiting: afterWaiting, deferred: deferred)
    }
}
