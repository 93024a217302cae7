import TestSupport

/// An attempt to send, as the trace has it.
struct TracedAttempt: Sendable {
    /// What becomes of a question to the DNS during it.
    enum DNS: Sendable {
        /// Answers come after so many milliseconds.
        case answers(after: Int64)
        /// They come after so many milliseconds, when the request has been answered without them.
        case isLate(by: Int64)
        /// None come.
        case isSilent

        /// What becomes of one that fails so many times in a hundred.
        static func drawn(failing percent: Int, using random: inout SeededRandom) -> DNS {
            guard random.happens(percent) else { return .answers(after: Int64.random(in: 1...400, using: &random)) }
            return random.happens(50) ? .isLate(by: Int64.random(in: 1_500...4_900, using: &random)) : .isSilent
        }
    }

    /// When it comes, in milliseconds since 1970.
    let time: Int64
    let host: SenderHosts.Host
    /// Which of the mail's sender addresses it has.
    let senderNumber: Int
    let sender: String
    let recipient: String
    let dns: DNS
}

/// A mail on its way: the tries that its sender makes, one after the other.
struct TracedMail {
    let kind: SenderKind
    let sender: TracedSender
    private let tries: [SenderKind.Try]
    private let senders: [String]
    private let recipient: String
    private let start: Int64
    private let firstHost: Int
    private var next = 0
    /// How many milliseconds the next attempt takes to get here.
    private var lateness: Int64
    private var isIPv6: Bool
    private var random: SeededRandom

    /// A mail that is the first one of its sender to its recipient.
    ///
    /// - Parameters:
    ///   - tries: when they are, at least one
    ///   - start: when the first attempt is, in milliseconds since 1970
    ///   - number: another one for each mail
    init(
        _ kind: SenderKind, from sender: TracedSender, tries: [SenderKind.Try], start: Int64, number: Int, seed: UInt64
    ) {
        (self.kind, self.sender, self.tries, self.start) = (kind, sender, tries, start)
        recipient = "user\(number)@site.example"
        var random = SeededRandom(seed: seed)
        senders = (0...1).map { _ in
            guard kind == .service || kind == .codes else { return "sender@\(sender.domain)" }
            return "\(String(word: Int.random(in: 1 << 40...1 << 50, using: &random)))@\(sender.domain)"
        }
        isIPv6 = random.happens(33)
        firstHost = Int.random(in: 0..<1_000, using: &random)
        lateness = Self.lateness(using: &random)
        self.random = random
    }

    /// When the next attempt is; nil where the sender gives up.
    var nextTime: Int64? { next < tries.count ? start + tries[next].offset * 1_000 + lateness : nil }

    /// Makes the next attempt; nil where the sender gives up.
    mutating func attempt() -> TracedAttempt? {
        guard let time = nextTime else { return nil }
        let number = tries[next].sender
        if next > 0, random.happens(10) { isIPv6.toggle() }
        let attempt = TracedAttempt(
            time: time, host: host(), senderNumber: number, sender: senders[number], recipient: recipient,
            dns: .drawn(failing: 5, using: &random))
        next += 1
        lateness = Self.lateness(using: &random)
        return attempt
    }

    /// Any host of the family that it is; a bot is never that of an earlier try.
    private mutating func host() -> SenderHosts.Host {
        let hosts = sender.hosts
        guard !kind.isBot else { return hosts.all[(firstHost + next) % hosts.all.count] }
        let family = isIPv6 ? hosts.ipv6 : hosts.ipv4
        return family[Int.random(in: 0..<family.count, using: &random)]
    }

    /// How many milliseconds an attempt takes to get here.
    static func lateness(using random: inout SeededRandom) -> Int64 {
        Int64.random(in: 0...300, using: &random)
    }
}
