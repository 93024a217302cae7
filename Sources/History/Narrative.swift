public import Greylist

/// The story of a mail in plain words: one that an administrator may forward to a user.
///
/// Its texts are what the history has, printable ASCII, and our own words.
public struct Narrative: Sendable, Equatable {
    /// What became of the mail, in one sentence or two.
    public var headline: String
    /// What happened, in the order of time.
    public var events: [Event]
    /// What else there is to know.
    public var remarks: [String]
    /// What lets such mail pass sooner.
    public var advice: [Advice]

    /// Something that happened.
    public struct Event: Sendable, Equatable {
        /// When.
        public var time: Timestamp
        /// What: a few sentences.
        public var text: String
    }

    /// A command that helps.
    public struct Advice: Sendable, Equatable {
        /// What it brings about.
        public var purpose: String
        /// The command, for any shell.
        public var command: String
    }

    /// What has to be known beside a story to tell it.
    public struct Context: Sendable {
        /// When it is told.
        public var now: Timestamp
        /// How many seconds a first attempt is valid.
        public var window: Int64
        /// How many seconds a sender has to wait at least.
        public var delay: Int64
        /// The sender that was asked for, where the history keeps less of it; empty is the null sender.
        public var sender: String?
        /// Likewise.
        public var recipient: String?
        /// Whether unrelated senders have an organisation in common.
        public var isShared: @Sendable (String) -> Bool

        /// What is to be known.
        public init(
            now: Timestamp, window: Int64, delay: Int64, sender: String? = nil, recipient: String? = nil,
            isShared: @escaping @Sendable (String) -> Bool
        ) {
            self.now = now
            self.window = window
            self.delay = delay
            self.sender = sender
            self.recipient = recipient
            self.isShared = isShared
        }
    }

    /// The story in words.
    public init(of story: HistoryStory, in context: Context) {
        let outcome = MailOutcome(story, context)
        headline = outcome.headline
        events = Self.events(of: story)
        remarks = outcome.remarks
        advice = outcome.advice
    }

    private static func events(of story: HistoryStory) -> [Event] {
        // Those that are counted by the day have the number of the first of them.
        let attempts = story.attempts.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        var events: [Event] = []
        var unseen = 0
        if let first = attempts.first, first.time > story.mail.firstAttempt {
            unseen = 1
            let text = "The first attempt, of which the history has no more than the time."
            events.append(Event(time: story.mail.firstAttempt, text: text))
        }
        var teller = AttemptTeller(story.mail)
        for (index, attempt) in attempts.enumerated() {
            if !story.isWhole, index == attempts.count / 2 {
                let count = story.mail.attempts - unseen - attempts.reduce(0) { $0 + $1.count }
                let text = "\(max(0, count)) attempts before this one are left out."
                events.append(Event(time: attempt.time, text: text))
            }
            events.append(Event(time: attempt.time, text: teller.next(attempt)))
        }
        return events
    }

    /// What is to be said of several stories of one sender and recipient; nil where each speaks for itself.
    ///
    /// - Parameters:
    ///   - cases: the cases of the stories
    ///   - window: how many seconds a first attempt is valid
    public static func remark(on cases: [HistoryCase], window: Int64) -> String? {
        let waited = cases.filter { $0.deferrals > 0 }.sorted { ($0.firstAttempt, $0.id) < ($1.firstAttempt, $1.id) }
        let isParted = zip(waited, waited.dropFirst()).contains { earlier, later in
            later.firstAttempt.since(earlier.firstAttempt) <= window && later.networks.first != earlier.networks.first
                && (later.organisation.isEmpty || later.organisation != earlier.organisation)
        }
        guard isParted else { return nil }
        return "The same mail may be in several of these cases: it was tried from several networks, and nothing proved "
            + "that they send for the same organisation. The sender can help that with an SPF record that names its "
            + "servers; a whitelist entry helps at once."
    }
}
