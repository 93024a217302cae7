import Domains
import Greylist
import History
import JSONText
import Programs

/// What a history knows of a mail: its stories in words, or why there are none.
struct WhyAnswer {
    private let question: MailQuestion
    private let path: String
    private let rules: Rules
    private let now: Timestamp
    private var stories: [(mail: HistoryStory, narrative: Narrative)] = []
    /// Whether there are older ones.
    private var hasMore = false
    /// What else has to be said of what was found.
    private var notes: [String] = []
    /// How far the history goes back; nil where it is empty.
    private let oldest: Timestamp?
    /// Other mail that may be meant, where nothing was found.
    private var others: [HistoryAttempt] = []

    /// How much other mail is named.
    private static let mostOthers = 3

    /// Asks the history.
    init(
        _ question: MailQuestion, in source: HistorySource, limit: Int, at now: Timestamp, shared: SharedIdentities
    ) throws(ProgramError) {
        (self.question, path, rules, self.now) = (question, source.path, source.rules, now)
        let reader = try source.open(searching: true)
        oldest = try HistorySource.read(reader.oldest)
        func find(_ client: String?) throws(ProgramError) -> [HistoryStory] {
            try HistorySource.read { () throws(HistoryError) in
                try reader.story(
                    sender: question.sender, recipient: question.recipient, client: client, limit: limit + 1)
            }
        }
        var found = try find(question.client)
        if found.isEmpty, let client = question.client {
            found = try find(nil)
            if !found.isEmpty { notes.append("The history doesn't know that \(TextTable.cell(client)) tried it.") }
        }
        hasMore = found.count > limit
        let context = Narrative.Context(
            now: now, window: rules.retryWindow, delay: rules.delay, sender: question.sender,
            recipient: question.recipient, isShared: { shared.isShared($0) })
        stories = found.prefix(limit).map { ($0, Narrative(of: $0, in: context)) }
        if let remark = Narrative.remark(on: stories.map(\.mail.mail), window: rules.retryWindow) {
            notes.append(remark)
        }
        if found.isEmpty { others = try Self.others(than: question, reader) }
    }

    /// Whether nothing was found.
    var isEmpty: Bool { stories.isEmpty }

    /// Mail of the sender to others, else mail of its domain to the recipient.
    private static func others(
        than question: MailQuestion, _ reader: HistoryReader
    ) throws(ProgramError) -> [HistoryAttempt] {
        func decisions(_ change: (inout HistoryFilter) -> Void) throws(ProgramError) -> [HistoryAttempt] {
            var filter = HistoryFilter(limit: 50)
            change(&filter)
            var seen: Set<[String]> = []
            let found = try HistorySource.read { () throws(HistoryError) in try reader.decisions(filter) }
            return Array(found.filter { seen.insert([$0.sender, $0.recipient]).inserted }.prefix(mostOthers))
        }
        if !question.sender.isEmpty {
            let bySender = try decisions { $0.sender = question.sender }
            if !bySender.isEmpty { return bySender }
            let domain = question.sender.drop { $0 != "@" }
            if domain.count > 1 {
                let byDomain = try decisions { ($0.sender, $0.recipient) = (String(domain), question.recipient) }
                if !byDomain.isEmpty { return byDomain }
            }
        }
        return try decisions { $0.recipient = question.recipient }
    }
}

extension WhyAnswer {
    /// The answer for people.
    var text: String {
        guard !isEmpty else { return nothing }
        var parts: [String] = []
        if stories.count > 1 || hasMore {
            let more = hasMore ? "the newest \(stories.count) of them (--limit has more)" : "the newest first"
            parts.append(FoldedText("The history has several cases of this mail; \(more).").text)
        }
        parts += notes.map { FoldedText($0).text }
        for story in stories { parts.append(Self.text(of: story.narrative)) }
        return parts.joined(separator: "\n\n")
    }

    private static func text(of narrative: Narrative) -> String {
        var parts = [FoldedText(narrative.headline).text]
        parts.append(
            narrative.events.map { FoldedText($0.text, lead: "\(HistoryWords.time($0.time))  ").text }
                .joined(separator: "\n"))
        if !narrative.remarks.isEmpty {
            parts.append(narrative.remarks.map { FoldedText($0).text }.joined(separator: "\n"))
        }
        if !narrative.advice.isEmpty {
            parts.append(narrative.advice.map { "\($0.purpose):\n    \($0.command)" }.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    /// What is said where there is nothing.
    private var nothing: String {
        let sender = question.sender.isEmpty ? "the null sender" : bareOrQuoted(HistoryWords.shortened(question.sender))
        let recipient = bareOrQuoted(HistoryWords.shortened(question.recipient))
        var parts = ["Nothing is known of mail from \(sender) to \(recipient)."]
        guard let oldest else {
            parts.append(
                "\(bareOrQuoted(path)) is empty: has tprtd run with service.history_db, and been asked about mail, since?"
            )
            return parts.map { FoldedText($0).text }.joined(separator: "\n")
        }
        parts.append(
            "\(bareOrQuoted(path)) goes back to \(HistoryWords.minute(oldest)); older mail may have been removed "
                + "(history_max_age, history_max_size).")
        parts.append(
            "Mail that Postfix rejects before it asks tprtd, mail of clients that are logged in, and mail of your own "
                + "users are not in it: Postfix' log has them.")
        var text = parts.map { FoldedText($0).text }.joined(separator: "\n")
        if !others.isEmpty {
            text += "\nIt knows of:"
            for attempt in others {
                let sender = attempt.sender.isEmpty ? "<>" : TextTable.cell(attempt.sender)
                text += "\n    \(utcTime(attempt.time.seconds))  \(sender) to \(TextTable.cell(attempt.recipient))"
            }
        }
        return text
    }

    /// One JSON object.
    var json: JSONValue {
        .object([
            "searched": .object([
                "sender": .string(question.sender), "recipient": .string(question.recipient),
                "client": JSONValue(question.client),
            ]),
            "history": .object(["file": .string(path), "since": JSONValue(oldest)]),
            "stories": .array(stories.map { Self.json(of: $0.mail, $0.narrative, now, rules) }), "more": .bool(hasMore),
            "notes": .array(notes.map { .string($0) }),
            "others": .array(
                others.map { .object(["sender": .string($0.sender), "recipient": .string($0.recipient)]) }),
        ])
    }

    private static func json(
        of story: HistoryStory, _ narrative: Narrative, _ now: Timestamp, _ rules: Rules
    ) -> JSONValue {
        var members = story.mail.json(at: now, window: rules.retryWindow)
        members["whole"] = .bool(story.isWhole)
        members["decisions"] = .array(story.attempts.map(\.json))
        members["headline"] = .string(narrative.headline)
        members["events"] = .array(
            narrative.events.map { .object(["time": JSONValue($0.time), "text": .string($0.text)]) })
        members["remarks"] = .array(narrative.remarks.map { .string($0) })
        members["advice"] = .array(
            narrative.advice.map { .object(["purpose": .string($0.purpose), "command": .string($0.command)]) })
        return .object(members)
    }
}
