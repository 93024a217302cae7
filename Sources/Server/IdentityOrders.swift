import Bytes
public import Control
public import Engine
import Glibc
import Greylist
import JSONText
import NIOConcurrencyHelpers
import Storage

/// What administrators order of the table of identities while the daemon answers mail: `tprtctl identity`, `list` and `learn`.
public struct IdentityOrders: Sendable {
    private static let slice = 500

    private let ledger: IdentityLedger
    private let engine: NIOLockedValueBox<PolicyEngine>

    /// Orders for that ledger.
    ///
    /// - Parameter engine: by whose lists organisations are found
    public init(to ledger: IdentityLedger, engine: PolicyEngine) {
        self.ledger = ledger
        self.engine = NIOLockedValueBox(engine)
    }

    /// Changes what the ledger goes by, and by which lists organisations are found.
    public func change(to options: IdentityLedger.Options, engine: PolicyEngine) {
        ledger.change(to: options)
        self.engine.withLockedValue { $0 = engine }
    }

    private static func malformed(_ expected: String) -> ControlReply {
        ControlReply(status: EX_USAGE, warnings: ["malformed request (expected \(expected))"])
    }

    private static func unavailable(_ error: StoreError) -> ControlReply {
        ControlReply(status: EX_UNAVAILABLE, warnings: ["the database of identities: \(error)"])
    }

    /// What says that nothing is kept; nil where something is.
    private var absence: ControlReply? {
        guard ledger.options.lane.lane == .off else { return nil }
        return ControlReply(
            status: EX_CONFIG,
            warnings: [
                "the daemon has no fast lane: service.fast_lane or service.identity is off, or it has no table for it"
            ])
    }

    // MARK: An organisation

    /// Carries an `IdentityOrder` out.
    public func carryOut(_ request: ControlRequest) async -> ControlReply {
        guard let order = IdentityOrder(request) else { return Self.malformed("an action and an organisation") }
        if let absence { return absence }
        let engine = engine.withLockedValue { $0 }
        guard let (organisation, isShared) = engine.organisation(of: Array(order.name.utf8)) else {
            return ControlReply(status: EX_DATAERR, warnings: ["\(named(order.name)): not a domain name"])
        }
        do throws(StoreError) {
            let name = String(decoding: organisation, as: UTF8.self)
            switch order.action {
            case .show:
                let statuses = try await statuses(of: [organisation], by: engine)
                return ControlReply(messages: statuses.map(\.json.text))
            case .forget:
                try await ledger.forget(organisation)
                return ControlReply(messages: ["\(name): forgotten"])
            case .deny:
                try await ledger.order(.denied, organisation)
                return ControlReply(messages: ["\(name): kept out of the fast lane"])
            case .allow:
                if isShared {
                    return ControlReply(
                        status: EX_DATAERR,
                        warnings: [
                            "\(name): a shared identity: many senders have it in common, and it can't be in the fast lane"
                        ])
                }
                try await ledger.order(.allowed, organisation)
                return ControlReply(messages: ["\(name): in the fast lane"])
            }
        } catch {
            return Self.unavailable(error)
        }
    }

    /// What is known of organisations, without what is expired.
    private func statuses(of organisations: [[UInt8]], by engine: PolicyEngine) async throws(StoreError)
        -> [IdentityStatus]
    {
        let (now, lane) = (ledger.now(), ledger.options.lane)
        let ages = IdentityAges(lane)
        let keys = organisations.map { organisation -> [Key] in
            [
                .days(of: organisation), .recipients(of: organisation), .users(of: organisation),
                .lane(of: organisation),
            ]
        }
        var found = try await ledger.store.find(keys.flatMap(\.self), in: .identity)[...]
        return zip(organisations, keys).map { organisation, keys in
            var status = IdentityStatus(organisation: String(decoding: organisation, as: UTF8.self))
            let sightings = zip(keys, found).map { key, sighting -> Sighting? in
                guard let sighting else { return nil }
                let entry = Entry(key: key, sighting: sighting)
                guard !ages.areExceeded(by: entry, at: now) else { return nil }
                status.note(entry)
                return sighting
            }
            found = found.dropFirst(keys.count)
            var standing = Standing()
            (standing.days, standing.recipients) = (sightings[0], sightings[1])
            (standing.users, standing.lane) = (sightings[2], sightings[3])
            status.isShared = engine.organisation(of: organisation)?.isShared == true
            status.hasEarned = standing.merit(at: now, under: lane, isTrusted: !status.isShared) == .earned
            return status
        }
    }

    // MARK: All of them

    /// Carries an `IdentityListOrder` out.
    public func list(_ request: ControlRequest) async -> ControlReply {
        guard let order = IdentityListOrder(request),
            let cursor = order.cursor.isEmpty ? [] : [UInt8](hexadecimal: order.cursor.utf8)
        else { return Self.malformed("where to go on, or nothing") }
        if let absence { return absence }
        do throws(StoreError) {
            let slice = try await ledger.store.scan(
                .identity, from: order.cursor.isEmpty ? nil : Cursor(cursor), limit: Self.slice)
            var list = IdentityList(next: slice.next?.digits ?? "", correspondences: 0, entries: [])
            let (now, ages) = (ledger.now(), IdentityAges(ledger.options.lane))
            var organisations: Set<[UInt8]> = []
            for entry in slice.entries where !ages.areExceeded(by: entry, at: now) {
                switch IdentityRecord(entry.key) {
                case .correspondence: list.correspondences += 1
                case .days, .users, .lane:
                    if let organisation = entry.key.organisation { organisations.insert(Array(organisation)) }
                // Where there are recipients, there are days, and without them they are worth nothing.
                case .recipients, nil: break
                }
            }
            list.entries = try await statuses(of: Array(organisations), by: engine.withLockedValue { $0 })
            return list.reply
        } catch {
            return Self.unavailable(error)
        }
    }

    // MARK: Learning

    /// Carries a `LearnOrder` out; the reply is a `LearnReceipt`.
    public func learn(_ request: ControlRequest) async -> ControlReply {
        guard let order = LearnOrder(request) else { return Self.malformed("times, senders and recipients") }
        if let absence { return absence }
        let engine = engine.withLockedValue { $0 }
        let latest = ledger.now().seconds + 86_400
        var events: [IdentityEvent] = []
        for mail in order.mails where mail.seconds <= latest {
            let (sender, recipient) = (Array(mail.sender.utf8), Array(mail.recipient.utf8))
            guard let correspondence = Correspondence(user: sender.span, remote: recipient.span),
                !ledger.isOwn(Array(correspondence.remoteDomain)),
                let lesson = try? engine.lesson(of: correspondence, at: Timestamp(seconds: mail.seconds))
            else { continue }
            events.append(lesson)
        }
        do throws(StoreError) {
            let written = try await ledger.write(events)
            return LearnReceipt(lessons: events.count, written: written).reply
        } catch {
            return Self.unavailable(error)
        }
    }
}

extension IdentityLedger {
    /// Forgets what an organisation has earned, and what was learnt of it until now.
    func forget(_ organisation: [UInt8]) async throws(StoreError) {
        let moment = now()
        let mark = Entry(key: .lane(of: organisation), sighting: Sighting(forgettingAt: moment))
        try await book.replace(
            [mark], removing: [.days(of: organisation), .recipients(of: organisation), .users(of: organisation)],
            at: moment, by: options)
    }

    /// Has an organisation in the fast lane, or keeps it out.
    func order(_ order: LaneMark.Order, _ organisation: [UInt8]) async throws(StoreError) {
        let moment = now()
        let key = Key.lane(of: organisation)
        let former = try await store.find([key], in: .identity)[0]
        try await book.replace(
            [Entry(key: key, sighting: Sighting(order, after: former, at: moment))], removing: [], at: moment,
            by: options)
    }
}

extension Cursor {
    fileprivate var digits: String {
        var text: [UInt8] = []
        for byte in bytes { text.append(hexadecimalPairOf: byte) }
        return String(decoding: text, as: UTF8.self)
    }
}

extension IdentityStatus {
    fileprivate mutating func note(_ entry: Entry) {
        let count = Count(number: Int(entry.sighting.passes), last: entry.sighting.last.seconds)
        switch IdentityRecord(entry.key) {
        case .days: days = count
        case .recipients: recipients = count
        case .users: users = count
        case .lane:
            since = count.last
            switch LaneMark(entry.sighting)?.order {
            case .allowed: order = "allow"
            case .denied: order = "deny"
            case nil: order = nil
            }
        case .correspondence, nil: break
        }
    }
}
