/// How the daemon is: what stands at the top of the page.
public struct PageStatus: Sendable {
    /// The name of the machine.
    public var host: String
    /// The daemon's version.
    public var version: String
    /// When it was started.
    public var startedAt: Int64
    /// Whether it defers nothing and only observes (`service.mode`).
    public var isObserving: Bool
    /// What doesn't work as it should; empty where all does.
    public var problems: [PageProblem]
    /// What it is made of: store, DNS, listeners, history, whitelists; in the order in which they are shown.
    public var parts: [PagePart]
    /// How many mails wait; nil where nobody knows, since there is no history.
    public var waiting: Int?

    /// A daemon that is like this.
    public init(
        host: String, version: String, startedAt: Int64, isObserving: Bool = false, problems: [PageProblem] = [],
        parts: [PagePart], waiting: Int?
    ) {
        self.host = host
        self.version = version
        self.startedAt = startedAt
        self.isObserving = isObserving
        self.problems = problems
        self.parts = parts
        self.waiting = waiting
    }
}

/// Something that doesn't work as it should.
public struct PageProblem: Sendable, Equatable {
    /// What is degraded, since when, and what that means for mail: a sentence.
    public var sentence: String
    /// What to do about it: a sentence; empty where there is nothing to do.
    public var remedy: String

    /// A problem and its remedy.
    public init(_ sentence: String, remedy: String = "") {
        self.sentence = sentence
        self.remedy = remedy
    }
}

/// A part of the daemon.
public struct PagePart: Sendable, Equatable {
    /// How a part is.
    public enum Condition: String, Sendable, CaseIterable {
        /// As it should be.
        case working
        /// Not as it should be: one of the problems tells of it.
        case degraded
        /// Switched off.
        case off
    }

    /// What it is, such as `Store`.
    public var name: String
    /// How it is.
    public var condition: Condition
    /// The same in a few words, such as `LMDB, 182,340 entries`.
    public var summary: String
    /// Where it is: a path, a URL without its password, an address; empty for nothing.
    ///
    /// Shown only to those who may see addresses.
    public var place: String

    /// A part that is like this.
    public init(_ name: String, _ condition: Condition, _ summary: String, place: String = "") {
        self.name = name
        self.condition = condition
        self.summary = summary
        self.place = place
    }
}

/// The last 24 hours in counts.
public struct PageDay: Sendable, Equatable {
    /// A piece of that time.
    public struct Bucket: Sendable, Equatable {
        /// When it began.
        public var start: Int64
        /// How many requests passed at their first attempt, or were known.
        public var passedAtOnce: Int
        /// How many passed that had waited.
        public var passedAfterWaiting: Int
        /// How many were deferred.
        public var deferred: Int

        /// A piece with these counts.
        public init(start: Int64, passedAtOnce: Int, passedAfterWaiting: Int, deferred: Int) {
            self.start = start
            self.passedAtOnce = passedAtOnce
            self.passedAfterWaiting = passedAfterWaiting
            self.deferred = deferred
        }
    }

    /// How long a piece is, in seconds.
    public var bucketSeconds: Int64
    /// The pieces in order, those without a request too; of more than ``Page/bucketLimit`` the last are shown.
    public var buckets: [Bucket]
    /// How many seconds the mail waited that passed after waiting, in the median; nil where there was none.
    public var medianWait: Int64?
    /// How many first attempts are old enough to tell whether their senders come back.
    public var firstAttempts: Int
    /// How many of them have had no retry that passed.
    public var neverCameBack: Int

    /// A day with these counts.
    public init(
        bucketSeconds: Int64, buckets: [Bucket], medianWait: Int64?, firstAttempts: Int, neverCameBack: Int
    ) {
        self.bucketSeconds = bucketSeconds
        self.buckets = buckets
        self.medianWait = medianWait
        self.firstAttempts = firstAttempts
        self.neverCameBack = neverCameBack
    }
}
