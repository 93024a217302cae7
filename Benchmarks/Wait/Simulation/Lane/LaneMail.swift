import TestSupport

/// A mail of the month on its way: its tries, one after the other.
struct LaneMail {
    /// From which of its sender's hosts a try comes.
    enum Route: Sendable {
        /// From any of a family, which is seldom another one than before.
        case any
        /// From the one from which the first try came.
        case same
        /// From another one each time.
        case next
    }

    let kind: LaneKind
    private let hosts: SenderHosts
    private let senders: [String]
    private let recipient: String
    private let tries: [SenderKind.Try]
    private let start: Int64
    private let route: Route
    private let dnsFailures: Int
    private var next = 0
    private var lateness: Int64
    private var isIPv6: Bool
    private var host: Int
    private var random: SeededRandom

    /// A mail.
    ///
    /// - Parameters:
    ///   - senders: the sender address for each number that tries have
    ///   - start: when the first attempt is, in milliseconds since 1970
    ///   - dnsFailures: in how many of a hundred attempts the DNS is late or silent
    init(
        _ kind: LaneKind, from hosts: SenderHosts, as senders: [String], to recipient: String,
        tries: [SenderKind.Try], start: Int64, by route: Route, dnsFailures: Int, seed: UInt64
    ) {
        (self.kind, self.hosts, self.senders, self.recipient) = (kind, hosts, senders, recipient)
        (self.tries, self.start, self.route, self.dnsFailures) = (tries, start, route, dnsFailures)
        var random = SeededRandom(seed: seed)
        isIPv6 = random.happens(33)
        host = Int.random(in: 0..<1_000, using: &random)
        lateness = TracedMail.lateness(using: &random)
        self.random = random
    }

    /// When the next attempt is; nil where the sender gives up.
    var nextTime: Int64? { next < tries.count ? start + tries[next].offset * 1_000 + lateness : nil }

    /// Makes the next attempt; nil where the sender gives up.
    mutating func attempt() -> TracedAttempt? {
        guard let time = nextTime else { return nil }
        let number = tries[next].sender
        if route == .any, next > 0, random.happens(10) { isIPv6.toggle() }
        let attempt = TracedAttempt(
            time: time, host: nextHost(), senderNumber: number, sender: senders[number], recipient: recipient,
            dns: .drawn(failing: dnsFailures, using: &random))
        next += 1
        lateness = TracedMail.lateness(using: &random)
        return attempt
    }

    private mutating func nextHost() -> SenderHosts.Host {
        switch route {
        case .any: host = Int.random(in: 0..<1_000, using: &random)
        case .same: break
        case .next:
            host += 1
            return hosts.all[host % hosts.all.count]
        }
        let family = isIPv6 ? hosts.ipv6 : hosts.ipv4
        return family[host % family.count]
    }
}
