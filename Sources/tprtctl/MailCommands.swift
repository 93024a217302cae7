import ArgumentParser
import Control
import FoundationEssentials
import Greylist
import History
import JSONText
import Programs
import Settings

/// Which mail a command is about, and where what is known of it is found.
struct MailSelection: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The sender, \"<>\" for bounces; without a recipient, an address on either side.", valueName: "sender"))
    var sender: String?

    @Argument(help: ArgumentHelp("The recipient.", valueName: "recipient"))
    var recipient: String?

    @Option(help: ArgumentHelp("The organisation that sends, such as example.org.", valueName: "organisation"))
    var identity: String?

    @OptionGroup var history: HistoryAccess

    @OptionGroup var daemon: ControlAccess

    func validate() throws {
        guard sender != nil || identity != nil else {
            throw ValidationError("name a sender, a recipient, or an organisation with --identity")
        }
    }

    /// Does something with the mail, and says what came of it.
    func carryOut(_ action: MailOrder.Action) throws {
        let client = try daemon.client()
        let loaded = try daemon.settings.load(environment: ProcessInfo.processInfo.environment)
        let source = try history.source(under: loaded)
        let reader = try source.open(searching: true)
        let stories = try HistorySource.read { () throws(HistoryError) -> [HistoryStory] in
            try self.stories(reader, with: action == .forget, at: WallClock.now(), window: source.rules.retryWindow)
        }
        var report = MailReport(action)
        for story in stories {
            let order = MailOrder(action, story.mails(from: bare(sender), to: recipient))
            guard let receipt = MailReceipt(try client.carryOut(order.request)) else { throw client.misunderstanding }
            report.add(story.mail, changed: receipt.counts.reduce(0, +))
        }
        try say(daemon.json ? report.json.text : report.text)
        if report.isEmpty { throw ExitCode(1) }
    }

    /// The cases with their attempts; at most as many as an order may name.
    private func stories(
        _ reader: HistoryReader, with known: Bool, at now: Timestamp, window: Int64
    ) throws(HistoryError) -> [HistoryStory] {
        var cases: [HistoryCase] = []
        func find(_ sender: String?, _ recipient: String?) throws(HistoryError) {
            cases += try reader.waiting(
                sender: sender, recipient: recipient, at: now, window: window, limit: MailOrder.limit)
            if known { cases += try reader.known(sender: sender, recipient: recipient, limit: MailOrder.limit) }
        }
        try find(bare(sender), recipient)
        if let sender, sender != "<>", recipient == nil { try find(nil, sender) }
        var (seen, stories): (Set<HistoryCase.ID>, [HistoryStory]) = ([], [])
        for mail in cases where seen.insert(mail.id).inserted {
            guard identity.map({ $0.lowercased() == mail.organisation }) ?? true else { continue }
            if let story = try reader.story(of: mail.id) { stories.append(story) }
        }
        return Array(stories.prefix(MailOrder.limit))
    }

    /// The address, which for bounces is empty.
    private func bare(_ sender: String?) -> String? { sender == "<>" ? "" : sender }
}

extension HistoryStory {
    /// The mail as each network tried it, the last time it did.
    ///
    /// - Parameters:
    ///   - sender: as it was asked for, where the history keeps less of it
    ///   - recipient: likewise
    fileprivate func mails(from sender: String?, to recipient: String?) -> [MailOrder.Mail] {
        var mails: [String: MailOrder.Mail] = [:]
        for attempt in attempts {
            // Where nothing else is kept, a network stands for its clients.
            let client = String(attempt.clientAddress.prefix { $0 != "/" })
            mails["\(client) \(attempt.clientName)"] = MailOrder.Mail(
                client: client, clientName: attempt.clientName, helo: attempt.helo,
                sender: attempt.sender.isWhole ? attempt.sender : sender ?? attempt.sender,
                recipient: attempt.recipient.isWhole ? attempt.recipient : recipient ?? attempt.recipient)
        }
        return Array(mails.values.prefix(MailOrder.limit))
    }
}

extension String {
    /// Whether it is an address as it was sent: not a domain alone, nor a digest.
    fileprivate var isWhole: Bool { isEmpty || dropFirst().utf8.contains(UInt8(ascii: "@")) }
}

/// What came of an order about mail.
struct MailReport {
    private let action: MailOrder.Action
    private var cases: [HistoryCase] = []

    init(_ action: MailOrder.Action) {
        self.action = action
    }

    /// Whether nothing was changed.
    var isEmpty: Bool { cases.isEmpty }

    /// Takes note of a case, of which so many entries were changed.
    mutating func add(_ mail: HistoryCase, changed: Int) {
        if changed > 0 { cases.append(mail) }
    }

    private var word: String {
        switch action {
        case .release: "released"
        case .forget: "forgotten"
        }
    }

    /// A table for people.
    var text: String {
        guard !cases.isEmpty else {
            switch action {
            case .release: return "no such mail waits"
            case .forget: return "no such mail is known"
            }
        }
        let rows = cases.map { mail in
            [
                mail.sender.isEmpty ? "<>" : mail.sender, mail.recipient, utcTime(mail.firstAttempt.seconds),
                mail.organisation.isEmpty ? mail.networks.last ?? "" : mail.organisation,
            ]
        }
        let ending = action == .release ? "; the next attempt passes" : "; the next attempt is a first one"
        return "\(word)\(ending):\n"
            + TextTable(head: ["sender", "recipient", "first attempt", "from"], rows: rows, texts: 4).text
    }

    /// One JSON object.
    var json: JSONValue {
        .object([
            word: .array(
                cases.map { mail in
                    .object([
                        "sender": .string(mail.sender), "recipient": .string(mail.recipient),
                        "first_attempt": .int(Int(mail.firstAttempt.seconds)),
                        "organisation": .string(mail.organisation),
                        "networks": .array(mail.networks.map { .string($0) }),
                    ])
                })
        ])
    }
}

/// `tprtctl release`.
struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Let mail that waits pass at its next attempt.",
        discussion: """
            Which mail waits is looked up in the history; the next attempt of each of these passes, whenever it comes, from the \
            networks and by the identities from which it was tried. Prints what was released. Ends with status 1 where no such \
            mail waits, and with 69 where no daemon answers.
            """)

    @OptionGroup var mail: MailSelection

    func run() throws {
        try mail.carryOut(.release)
    }
}

/// `tprtctl forget`.
struct ForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Forget mail that waits or has passed: its next attempt is a first one.",
        discussion: """
            Which mail that is is looked up in the history. What an organisation has earned is forgotten by tprtctl identity \
            forget. Prints what was forgotten. Ends with status 1 where no such mail is known, and with 69 where no daemon \
            answers.
            """)

    @OptionGroup var mail: MailSelection

    func run() throws {
        try mail.carryOut(.forget)
    }
}
