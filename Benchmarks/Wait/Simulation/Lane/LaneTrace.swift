import SPFZones
import TestSupport

/// What reaches a site in four weeks, and what leaves it.
struct LaneTrace {
    /// How much of it there is.
    struct Size: Sendable {
        /// How many mails of most kinds, at least 20.
        var mails: Int
        /// How many addresses a stolen account of ours writes to, at least as many as mails.
        var stolenPosts: Int
        /// In how many of a hundred attempts the DNS is late or silent.
        var dnsFailures: Int
    }

    /// What happens.
    enum Event {
        case mail(Int)
        /// Posts of one moment.
        case posts([OutgoingPost])
    }

    /// Domains that many senders have in common.
    static let sharedDomains = ["freemail.example", "service.example"]
    /// When it begins, in milliseconds since 1970.
    private static let start: Int64 = 1_800_000_000_000

    let size: Size
    private(set) var mails: [LaneMail] = []
    private(set) var posts: [(time: Int64, posts: [OutgoingPost])] = []
    private(set) var records: [(name: String, record: Zone.Record)] = []
    private var random: SeededRandom
    private var networks: Set<UInt128> = []
    /// How many senders there are.
    private var senderCount = 0

    /// A month; the same seed makes the same one.
    init(seed: UInt64, _ size: Size) {
        self.size = size
        random = SeededRandom(seed: seed)
        let freemail = newSender("freemail.example")
        addOrganisations()
        addReplies(freemail)
        addServices()
        addPeople(freemail)
        addSnowshoe()
        addSpam(freemail)
        addTaughtSpam()
        addBots()
    }

    // MARK: Good mail

    private mutating func addOrganisations() {
        let proofs: [LaneSender.Proof] = [.spf, .spf, .name, .dynamic, .spf]
        // The last two of five are recognised without a proof when they come back.
        let known = (0..<max(10, size.mails / 10)).map { number in
            newSender(provenBy: proofs[number % 5], networks: number % 5 == 4 ? (1, 1) : (8, 4))
        }
        for (number, sender) in known.enumerated() {
            let hour = Int64.random(in: 1..<22, using: &random)
            for day in 0..<28 {
                let recipient = "user\((number * 7 + day % 10) % size.mails)"
                let offset = hour * 3_600 + Int64.random(in: 0..<3_600, using: &random)
                add(.notices, from: sender, to: recipient, at: moment(day, offset))
            }
        }
        for number in 0..<size.mails {
            let sender = known[number % known.count]
            let isHosted = number % known.count % 5 > 2
            addCodes(
                isHosted ? .hostedCodes : .earnedCodes, from: sender, to: "fresh\(number)", at: moment(in: 10..<28))
            let other = newSender(provenBy: proofs[number % 5])
            addCodes(.newCodes, from: other, to: "user\(number)", at: moment(in: 0..<10))
            addCodes(.pairCodes, from: other, to: "user\(number)", at: moment(in: 12..<28))
            add(
                .stolenSender, from: sender, as: ["staff\(number)@\(sender.domain)"], to: "stranger\(number)",
                at: moment(in: 20..<23))
        }
    }

    private mutating func addReplies(_ freemail: LaneSender) {
        for number in 0..<size.mails {
            let user = "user\(number)"
            let sender = number % 3 == 2 ? freemail : newSender(provenBy: number % 3 == 0 ? .spf : .name)
            let address = "friend\(number)@\(sender.domain)"
            let posted = moment(in: 1..<26)
            post(user, to: address, at: posted)
            let reply = posted + Int64.random(in: 600_000..<172_800_000, using: &random)
            let replier = number % 3 == 1 ? "colleague@\(sender.domain)" : address
            add(.replies, from: sender, as: [replier], to: user, at: reply)
            let forger = TracedSender(.bots, number: newNumber(), using: &random)
            addBotMail(.forgedReplies, from: forger, as: address, to: user, .bots, at: reply)
            guard number % 4 == 0 else { continue }
            let unproven = newSender(provenBy: .nothing)
            post(user, to: "friend@\(unproven.domain)", at: posted)
            add(.unprovenReplies, from: unproven, as: ["friend@\(unproven.domain)"], to: user, at: reply)
        }
    }

    private mutating func addServices() {
        let service = newSender("service.example")
        for customer in 0..<15 {
            let isShared = customer % 3 == 2
            let sender =
                isShared ? service : LaneSender("customer\(customer).example", customerOf: service)
            if !isShared { records += sender.records }
            for subscriber in 0..<max(2, size.mails / 20) {
                let recipient = "user\((customer * 13 + subscriber) % size.mails)"
                for week in 0..<4 {
                    let code = Int.random(in: 1_000...999_999, using: &random)
                    let address =
                        isShared
                        ? "bounce-\(customer)_\(code)-\(recipient)=site.example@mail\(customer).\(sender.domain)"
                        : "bounce-\(String(word: code))@news.\(sender.domain)"
                    let time = moment(week * 7 + customer % 7, 36_000 + Int64.random(in: 0..<7_200, using: &random))
                    add(.newsletters, from: sender, as: [address], to: recipient, at: time)
                }
            }
            // The subdomains have the records of the domains.
            if !isShared { records.append(("news.\(sender.domain)", .text("v=spf1 redirect=\(sender.domain)"))) }
            if isShared {
                records.append(("mail\(customer).\(sender.domain)", .text("v=spf1 redirect=\(sender.domain)")))
            }
        }
    }

    private mutating func addPeople(_ freemail: LaneSender) {
        for number in 0..<size.mails {
            let isOwn = number % 2 == 0
            let proofs: [LaneSender.Proof] = [.spf, .name, .nothing]
            let sender =
                isOwn ? newSender(provenBy: proofs[number / 2 % 3], networks: (1, 1), of: 1) : freemail
            for week in 0..<4 {
                let time = moment(in: week * 7..<week * 7 + 7)
                add(
                    .persons, from: sender, as: ["person\(number)@\(sender.domain)"], to: "user\(number)", at: time)
            }
        }
    }

    // MARK: Spam

    private mutating func addSnowshoe() {
        for _ in 0..<max(2, size.mails / 20) {
            let start = moment(in: 14..<24)
            let domains = (0..<3).map { _ in newSender() }
            let first = Int.random(in: 0..<size.mails, using: &random)
            // Nobody gets two of them, and it is over before an auto-whitelist counts to five.
            for number in 0..<20 {
                let recipient = "user\((first + number) % size.mails)"
                let time = start + Int64.random(in: 0..<10_800_000, using: &random)
                add(.snowshoe, from: domains[0], to: recipient, at: time, by: .same)
                add(.snowshoePool, from: domains[1], to: recipient, at: time)
                let tries = [SenderKind.Try(offset: 0, sender: 0), SenderKind.Try(offset: 330, sender: 1)]
                add(.snowshoePairs, from: domains[2], to: recipient, tries: tries, at: time)
            }
        }
    }

    private mutating func addSpam(_ freemail: LaneSender) {
        for _ in 0..<max(2, size.mails / 50) {
            let sender = newSender()
            let hour = Int64.random(in: 1..<22, using: &random)
            for day in 10..<24 {
                for _ in 0..<4 {
                    let recipient = "user\(Int.random(in: 0..<size.mails, using: &random))"
                    let offset = hour * 3_600 + Int64.random(in: 0..<3_600, using: &random)
                    add(.agedDomain, from: sender, to: recipient, at: moment(day, offset), by: .same)
                }
            }
        }
        for number in 0..<size.mails {
            let address = "offer\(number)@\(freemail.domain)"
            add(.freemailSpam, from: freemail, as: [address], to: "user\(number)", at: moment(in: 20..<28))
        }
    }

    private mutating func addTaughtSpam() {
        let stolen = moment(15, 7_200)
        var burst = (0..<size.stolenPosts).map { number in
            OutgoingPost(
                time: stolen, login: "clerk", sender: "clerk@site.example", recipient: "victim@v\(number).example")
        }
        for number in 0..<size.mails {
            let place = number * size.stolenPosts / size.mails
            let sender = newSender(networks: (1, 1), of: 1)
            burst[place] = OutgoingPost(
                time: stolen, login: "clerk", sender: "clerk@site.example", recipient: "victim@\(sender.domain)")
            add(
                .stolenUser, from: sender, as: ["victim@\(sender.domain)"], to: "clerk", at: moment(in: 16..<20),
                by: .same)
        }
        posts.append((stolen, burst))
        for number in 0..<max(10, size.mails / 4) {
            let (user, time) = ("user\(number)", moment(in: 5..<25))
            let answered = newSender(networks: (1, 1), of: 1)
            posts.append(
                (time, [OutgoingPost(time: time, login: user, sender: "", recipient: "offer@\(answered.domain)")]))
            let forger = newSender(networks: (1, 1), of: 1)
            let forged = OutgoingPost(
                time: time, login: nil, sender: "\(user)@site.example", recipient: "offer@\(forger.domain)")
            posts.append((time, [forged]))
            for (kind, sender) in [(LaneKind.vacation, answered), (.forgedPost, forger)] {
                add(kind, from: sender, as: ["offer@\(sender.domain)"], to: user, at: time + 3_600_000, by: .same)
            }
        }
    }

    private mutating func addBots() {
        let kinds: [SenderKind] = [.bots, .openRecord, .halves, .pointers, .genericNames]
        for number in 0..<size.mails {
            for kind in [.botOnce] + kinds {
                let sender = TracedSender(kind, number: newNumber(), using: &random)
                addBotMail(
                    kind == .botOnce ? .botOnce : .bots, from: sender, as: "sender@\(sender.domain)",
                    to: "user\(number)", kind, at: moment(in: 0..<28))
            }
        }
    }

    private mutating func addBotMail(
        _ kind: LaneKind, from sender: TracedSender, as address: String, to user: String, _ bots: SenderKind,
        at time: Int64
    ) {
        records += sender.records
        mails.append(
            LaneMail(
                kind, from: sender.hosts, as: [address], to: "\(user)@site.example", tries: bots.tries(schedule()),
                start: time, by: .next, dnsFailures: size.dnsFailures, seed: random.next()))
    }

    // MARK: The parts of it

    /// A moment of a day, so many seconds after its beginning.
    private func moment(_ day: Int, _ seconds: Int64) -> Int64 {
        Self.start + (Int64(day) * 86_400 + seconds) * 1_000
    }

    private mutating func moment(in days: Range<Int>) -> Int64 {
        Int64.random(in: moment(days.lowerBound, 0)..<moment(days.upperBound, 0), using: &random)
    }

    private mutating func schedule() -> RetrySchedule {
        RetrySchedule.all[Int.random(in: 0..<RetrySchedule.all.count, using: &random)]
    }

    private mutating func newNumber() -> Int {
        senderCount += 1
        return senderCount
    }

    /// A sender with networks that no other one made here has.
    private mutating func newSender(
        _ domain: String? = nil, provenBy proof: LaneSender.Proof = .spf,
        networks extent: (ipv4: Int, ipv6: Int) = (8, 4), of size: Int = 5
    ) -> LaneSender {
        let domain = domain ?? "org\(String(word: newNumber())).example"
        while true {
            let sender = LaneSender(domain, provenBy: proof, networks: extent, of: size, using: &random)
            let own = Set(sender.hosts.all.map(\.network))
            guard own.isDisjoint(with: networks) else { continue }
            networks.formUnion(own)
            records += sender.records
            return sender
        }
    }

    /// A mail, by default with a sender address that no other one has.
    private mutating func add(
        _ kind: LaneKind, from sender: LaneSender, as senders: [String]? = nil, to user: String,
        tries: [SenderKind.Try]? = nil, at time: Int64, by route: LaneMail.Route = .any
    ) {
        let senders =
            senders
            ?? (0...1).map { _ in
                "\(String(word: Int.random(in: 1 << 40...1 << 50, using: &random)))@\(sender.domain)"
            }
        mails.append(
            LaneMail(
                kind, from: sender.hosts, as: senders, to: "\(user)@site.example",
                tries: tries ?? SenderKind.host.tries(schedule()), start: time, by: route,
                dnsFailures: size.dnsFailures, seed: random.next()))
    }

    /// A code, and another one that is asked for after a while.
    private mutating func addCodes(_ kind: LaneKind, from sender: LaneSender, to user: String, at time: Int64) {
        add(kind, from: sender, to: user, tries: SenderKind.codes.tries(schedule()), at: time)
    }

    private mutating func post(_ user: String, to address: String, at time: Int64) {
        posts.append(
            (time, [OutgoingPost(time: time, login: user, sender: "\(user)@site.example", recipient: address)]))
    }
}
