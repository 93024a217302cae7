public import Control
public import Engine
import Glibc
public import Greylist
import JSONText
import NIOConcurrencyHelpers
public import Storage

/// What administrators order of mail while the daemon answers: `tprtctl release` and `forget`.
public struct MailOrders: Sendable {
    private let store: any Store
    private let now: @Sendable () -> Timestamp
    private let engine: NIOLockedValueBox<PolicyEngine>

    /// Orders for that store.
    ///
    /// - Parameter engine: by whose settings mail is known
    public init(to store: any Store, engine: PolicyEngine, now: @escaping @Sendable () -> Timestamp) {
        self.store = store
        self.now = now
        self.engine = NIOLockedValueBox(engine)
    }

    /// Changes by whose settings mail is known.
    public func change(to engine: PolicyEngine) {
        self.engine.withLockedValue { $0 = engine }
    }

    /// Carries a `MailOrder` out; the reply is a `MailReceipt`.
    public func carryOut(_ request: ControlRequest) async -> ControlReply {
        guard let order = MailOrder(request) else {
            return ControlReply(
                status: EX_USAGE, warnings: ["malformed request (expected release or forget, and mails)"])
        }
        let engine = engine.withLockedValue { $0 }
        var receipt = MailReceipt(counts: [])
        do throws(StoreError) {
            for mail in order.mails {
                guard let keys = engine.greylistKeys(of: MailDescription(mail)) else {
                    return ControlReply(
                        status: EX_DATAERR, warnings: ["\(named(mail.client)): not an address of a client"])
                }
                switch order.action {
                case .release: receipt.counts.append(try await release(keys.own, under: engine.options.rules))
                case .forget: receipt.counts.append(try await forget(keys.own + keys.legacy))
                }
            }
        } catch {
            return ControlReply(status: EX_UNAVAILABLE, warnings: ["service.grey_db: \(error)"])
        }
        return receipt.reply
    }

    /// Has the next attempt under any of the keys pass, unless one has passed already; returns how many were changed.
    ///
    /// A pass meanwhile isn't lost: merging knows of it.
    private func release(_ keys: [Key], under rules: Rules) async throws(StoreError) -> Int {
        let moment = now()
        let found = try await store.find(keys, in: .greylist).map { sighting in
            sighting.flatMap { $0.counts(at: moment, under: rules) ? $0 : nil }
        }
        guard !found.contains(where: { $0?.isPending == false && $0?.isReleased == false }) else { return 0 }
        let first = found.compactMap { $0?.first }.min() ?? moment
        let entries = keys.map { Entry(key: $0, sighting: Sighting(releasedAt: moment, firstAt: first)) }
        try await store.merge(entries, into: .greylist, at: moment, under: rules)
        return entries.count
    }

    private func forget(_ keys: [Key]) async throws(StoreError) -> Int {
        let found = try await store.find(keys, in: .greylist)
        let known = zip(keys, found).compactMap { $1 == nil ? nil : $0 }
        if !known.isEmpty { try await store.remove(known, from: .greylist) }
        return known.count
    }
}

extension MailDescription {
    fileprivate init(_ mail: MailOrder.Mail) {
        self.init(
            client: Array(mail.client.utf8), clientName: Array(mail.clientName.utf8), helo: Array(mail.helo.utf8),
            sender: Array(mail.sender.utf8), recipient: Array(mail.recipient.utf8))
    }
}
