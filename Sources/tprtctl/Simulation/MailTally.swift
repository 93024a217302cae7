import Greylist

/// How many mails there were, by what became of them as recorded and in a simulation.
struct MailTally: Equatable {
    /// What became of mails in one of both ways.
    struct Column: Equatable {
        var atOnce = 0
        var waited = 0
        /// Those that passed as recorded, and would be told to wait for nobody knows how long.
        var unknown = 0
        var neverCameBack = 0
        var mayComeBack = 0
        /// How long those waited of which that is known.
        var waits = WaitCounts()

        /// All of them.
        var all: Int { atOnce + waited + unknown + neverCameBack + mayComeBack }

        fileprivate mutating func add(_ fate: MailFate, _ count: Int) {
            switch fate {
            case .atOnce: atOnce += count
            case .waited(let seconds):
                waited += count
                waits.add(seconds, count)
            case .unknown: unknown += count
            case .neverCameBack: neverCameBack += count
            case .mayComeBack: mayComeBack += count
            }
        }
    }

    /// A difference between both.
    enum Change: Int, CaseIterable {
        /// It passes at once, and had to wait.
        case spared
        /// It waits less.
        case shorter
        /// It passes, and was kept out.
        case letIn
        /// It has to wait, and passed at once.
        case delayed
        /// It waits longer; where it would have to come back once more, nobody knows how long.
        case longer
    }

    private(set) var recorded = Column()
    private(set) var simulated = Column()
    private var changes = [Int](repeating: 0, count: Change.allCases.count)
    private var names = [NameCounts](repeating: NameCounts(), count: Change.allCases.count)

    /// How many mails fare otherwise in that way.
    subscript(change: Change) -> Int { changes[change.rawValue] }

    /// How many fare otherwise.
    var changed: Int { changes.reduce(0, +) }

    /// The senders of which most mails fare otherwise in that way.
    func top(_ change: Change, _ count: Int) -> [(name: String, mails: Int)] {
        names[change.rawValue].top(count)
    }

    /// Counts mails of a sender.
    mutating func add(_ recorded: MailFate, _ simulated: MailFate, of name: String, count: Int) {
        self.recorded.add(recorded, count)
        self.simulated.add(simulated, count)
        guard let change = Change(from: recorded, to: simulated) else { return }
        changes[change.rawValue] += count
        names[change.rawValue].add(name, count)
    }
}

extension MailTally.Change {
    /// The difference between both; nil where there is none.
    fileprivate init?(from recorded: MailFate, to simulated: MailFate) {
        switch (recorded, simulated) {
        case (.waited, .atOnce): self = .spared
        case (.waited(let before), .waited(let after)):
            guard before != after else { return nil }
            self = after < before ? .shorter : .longer
        case (.neverCameBack, .atOnce), (.neverCameBack, .waited), (.mayComeBack, .atOnce), (.mayComeBack, .waited):
            self = .letIn
        case (.atOnce, .unknown), (.atOnce, .waited): self = .delayed
        case (.waited, .unknown): self = .longer
        default: return nil
        }
    }
}

/// How long mails waited, in seconds, each as often as it came.
///
/// Bounded by the retry window, beyond which nothing passes.
struct WaitCounts: Equatable {
    private var counts: [Int64: Int] = [:]

    /// Counts some.
    mutating func add(_ seconds: Int64, _ count: Int) { counts[seconds, default: 0] += count }

    /// How many there are.
    var count: Int { counts.values.reduce(0, +) }

    /// What so many percent of them don't exceed; nil without any.
    func percentile(_ percent: Int) -> Int64? {
        let all = count
        guard all > 0 else { return nil }
        var left = (all * percent + 99) / 100
        for (seconds, count) in counts.sorted(by: { $0.key < $1.key }) {
            left -= count
            if left <= 0 { return seconds }
        }
        return nil
    }
}

/// How many mails there were of whom; those that come when it is full aren't named.
struct NameCounts: Equatable {
    private static let limit = 50_000

    private var counts: [String: Int] = [:]

    /// Counts some.
    mutating func add(_ name: String, _ count: Int) {
        guard counts.count < Self.limit || counts[name] != nil else { return }
        counts[name, default: 0] += count
    }

    /// Those with the most.
    func top(_ count: Int) -> [(name: String, mails: Int)] {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map { ($0.key, $0.value) }
    }
}
