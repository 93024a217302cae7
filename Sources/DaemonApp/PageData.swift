import Control
import Domains
import Engine
import Greylist
import History
import JSONText
import NIOPosix
import Server
import Web

/// What the page shows, out of the daemon and its history.
struct PageData: Sendable {
    private static let day: Int64 = 86_400
    /// How long a piece of the chart is, in seconds.
    private static let bucket: Int64 = 900
    /// How many decisions are looked through for organisations that have earned the fast lane, and how old ones.
    private static let (earnedLimit, earnedAge) = (500, 2 * day)

    let monitor: DaemonMonitor
    let identities: IdentityOrders

    /// The source of a page.
    var source: PageSource {
        PageSource(
            now: { monitor.now().seconds },
            status: { PageStatus(await monitor.status()) },
            day: { () throws(PageError) in try await day() },
            waiting: { limit throws(PageError) in try await waiting(limit) },
            search: { text, limit throws(PageError) in try await search(text, limit) },
            identities: { limit throws(PageError) in try await earned(limit) })
    }

    /// Asks the history on a thread that may block.
    private func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (HistoryReader, Timestamp, Rules) throws -> Answer
    ) async throws(PageError) -> Answer {
        guard let path = monitor.historyPath else { throw .historyOff }
        let (now, rules, keys) = (monitor.now(), monitor.rules, monitor.reloader.plan.siteKeys)
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try body(try HistoryReader(path: path, siteKeys: keys, patience: 1), now, rules)
            }
        } catch let error as HistoryError {
            throw .unavailable(error.description)
        } catch {
            throw .unavailable("the daemon is stopping")
        }
    }

    private func day() async throws(PageError) -> PageDay {
        try await ask { reader, now, rules in
            let start = Timestamp(seconds: now.seconds - Self.day)
            let buckets = try reader.minutes(since: start, until: now, step: Self.bucket)
            let recent = try reader.summary(since: start, until: now, window: rules.retryWindow)
            // Only of those that are old enough is it known whether they come back.
            let end = Timestamp(seconds: now.seconds - rules.retryWindow)
            let old = try reader.summary(
                since: Timestamp(seconds: end.seconds - 7 * Self.day), until: end, window: rules.retryWindow)
            let deferred = old.cases.passedAfterWaiting + old.cases.neverCameBack
            return PageDay(
                bucketSeconds: Self.bucket,
                buckets: buckets.map { bucket in
                    PageDay.Bucket(
                        start: bucket.time.seconds, passedAtOnce: bucket.passedAtOnce,
                        passedAfterWaiting: bucket.passedAfterWaiting, deferred: bucket.deferred)
                },
                medianWait: recent.wait.median, firstAttempts: deferred, neverCameBack: old.cases.neverCameBack)
        }
    }

    private func waiting(_ limit: Int) async throws(PageError) -> PageList<PageWaitingCase> {
        try await ask { reader, now, rules in
            let cases = try reader.waiting(at: now, window: rules.retryWindow, limit: limit)
            let all = try reader.waitingCount(at: now, window: rules.retryWindow)
            return PageList(cases.map { PageWaitingCase($0, delay: rules.delay) }, total: all)
        }
    }

    private func search(_ text: String, _ limit: Int) async throws(PageError) -> PageList<PageStory> {
        let organisations = monitor.reloader.plan.engine.organisations
        let isShared = { @Sendable (name: String) in organisations.isShared(Array(name.utf8)) }
        return try await ask { reader, now, rules in
            let matches = try reader.search(text, limit: limit)
            let stories = try matches.cases.compactMap { mail in
                try reader.story(of: mail.id).map { PageStory($0, at: now, under: rules, isShared: isShared) }
            }
            return PageList(stories, total: stories.count + (matches.hasMore ? 1 : 0))
        }
    }

    /// Organisations whose mail lately needed not wait, the newest first.
    private func earned(_ limit: Int) async throws(PageError) -> PageList<PageIdentity> {
        let firsts: [(name: String, time: Int64)] = try await ask { reader, now, _ in
            var filter = HistoryFilter(limit: Self.earnedLimit)
            filter.reasons = [.earned]
            filter.since = Timestamp(seconds: now.seconds - Self.earnedAge)
            var times: [String: Int64] = [:]
            for attempt in try reader.decisions(filter) where !attempt.organisation.isEmpty {
                times[attempt.organisation] = attempt.time.seconds
            }
            return times.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        }
        var elements: [PageIdentity] = []
        for (name, time) in firsts.prefix(limit) {
            let reply = await identities.carryOut(IdentityOrder(.show, name).request)
            elements.append(
                PageIdentity(organisation: name, earnedAt: time, merit: IdentityStatus(of: reply)?.merit ?? ""))
        }
        return PageList(elements, total: firsts.count)
    }
}

extension IdentityStatus {
    /// What a reply to ``IdentityOrder/Action/show`` says.
    fileprivate init?(of reply: ControlReply) {
        guard let text = reply.messages.first, let value = try? JSONParser.parse(Array(text.utf8)).value else {
            return nil
        }
        self.init(value)
    }

    /// What it has earned, in a few words.
    fileprivate var merit: String {
        if order == "allow" { return "allowed by an administrator" }
        let mail = days.map { days in "mail accepted on \(days.number) days, by \(recipients?.number ?? 0) recipients" }
        let users = users.map { "\($0.number) users wrote to it" }
        return [mail, users].compactMap(\.self).joined(separator: "; ")
    }
}

extension PageWaitingCase {
    fileprivate init(_ mail: HistoryCase, delay: Int64) {
        self.init(
            firstAttempt: mail.firstAttempt.seconds,
            mayPassFrom: mail.mayPassAt?.seconds ?? mail.firstAttempt.seconds + delay, sender: mail.sender,
            recipient: mail.recipient, clientName: mail.names.last ?? "", network: mail.networks.last ?? "",
            organisation: mail.organisation, proof: mail.proof.map { "\($0.word)" } ?? "", attempts: mail.attempts)
    }
}

extension PageStatus {
    fileprivate init(_ status: DaemonStatus) {
        self.init(
            host: status.host, version: status.version, startedAt: status.startedAt, isObserving: status.isObserving,
            problems: status.problems.map { PageProblem($0.sentence, remedy: $0.remedy) },
            parts: status.parts.map { part in
                let condition: PagePart.Condition =
                    switch part.condition {
                    case .working: .working
                    case .degraded: .degraded
                    case .off: .off
                    }
                return PagePart(part.name, condition, part.summary, place: part.place)
            }, waiting: status.pending)
    }
}

extension PageStory {
    fileprivate init(
        _ story: HistoryStory, at now: Timestamp, under rules: Rules, isShared: @escaping @Sendable (String) -> Bool
    ) {
        let mail = story.mail
        let narrative = Narrative(
            of: story,
            in: Narrative.Context(now: now, window: rules.retryWindow, delay: rules.delay, isShared: isShared))
        let outcome: Outcome =
            switch mail.state(at: now, window: rules.retryWindow) {
            case .waiting, .observed:
                .waiting(mayPassFrom: mail.mayPassAt?.seconds ?? mail.firstAttempt.seconds + rules.delay)
            case .passedAfterWaiting, .passedAtOnce:
                .passed(at: mail.passedAt?.seconds ?? mail.lastAttempt.seconds, wait: mail.waited ?? 0)
            case .neverCameBack: .neverCameBack
            }
        self.init(
            sender: mail.sender, recipient: mail.recipient, outcome: outcome,
            attempts: story.attempts.map(PageAttempt.init), totalAttempts: mail.attempts,
            sentences: [narrative.headline] + narrative.events.map(\.text) + narrative.remarks,
            commands: narrative.advice.map { PageCommand($0.purpose, text: $0.command) })
    }
}

extension PageAttempt {
    fileprivate init(_ attempt: HistoryAttempt) {
        self.init(
            time: attempt.time.seconds, isDeferral: attempt.isDeferral, reason: "\(attempt.reason.text)",
            detail: attempt.entry.isEmpty ? "" : "entry=\(attempt.entry)", clientName: attempt.clientName,
            clientAddress: attempt.clientAddress, organisation: attempt.organisation,
            proof: attempt.proof.map { "\($0.word)" } ?? "")
    }
}
