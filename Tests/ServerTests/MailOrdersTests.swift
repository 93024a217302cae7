import Control
import Domains
import Engine
import Greylist
import NIOCore
import Policy
import SampleOptions
import Storage
import Testing

@testable import Server

/// Orders about mail that waits: `tprtctl release` and `forget`.
struct MailOrdersTests {
    private static let now = Timestamp(seconds: 1_796_000_000)

    private let store = MemoryStore()

    private func engine(_ identity: IdentityMethods = .name) throws -> PolicyEngine {
        var options = PolicyEngine.Options.sample()
        options.identity = identity
        return PolicyEngine(
            options: options,
            wording: try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx"),
            organisations: Organisations(suffixes: .builtIn(), shared: SharedIdentities([])))
    }

    private func orders() throws -> MailOrders {
        MailOrders(to: store, engine: try engine(), now: { Self.now })
    }

    private func mail(
        _ client: String = "192.0.2.1", _ name: String = "mx1.out.example", sender: String = "Anna@partner.example"
    ) -> MailOrder.Mail {
        MailOrder.Mail(
            client: client, clientName: name, helo: "mx1.out.example", sender: sender, recipient: "u@example.com")
    }

    /// The verdict on an attempt, some seconds from now.
    private func attempt(_ mail: MailOrder.Mail, after seconds: Int64 = 0) throws -> Verdict? {
        var stage = Attempt()
        var message = MessageProgress()
        let request = try request(mail)
        let moment = Timestamp(seconds: Self.now.seconds + seconds)
        guard
            case .needsStore(_, let query) = try engine().decide(request, of: &message, at: moment, using: &stage)
        else { return nil }
        return store.decide([query]).first?.judgement?.verdict
    }

    private func request(_ mail: MailOrder.Mail) throws -> PolicyRequest {
        let lines = [
            "request=smtpd_access_policy", "protocol_state=RCPT", "client_address=\(mail.client)",
            "client_name=\(mail.clientName)", "helo_name=\(mail.helo)", "sender=\(mail.sender)",
            "recipient=\(mail.recipient)",
        ]
        var bytes = ByteBuffer(string: lines.joined(separator: "\n") + "\n\n")
        var decoder = PolicyDecoder()
        return try #require(try decoder.next(in: &bytes))
    }

    @Test("the next attempt of mail that waits passes, from another host of the organisation, too")
    func release() async throws {
        #expect(try attempt(mail()) == .new(wait: 300))
        let receipt = MailReceipt(try await orders().carryOut(MailOrder(.release, [mail()]).request))
        #expect(try #require(receipt).counts == [3])
        #expect(try attempt(mail("198.51.100.9", "mx2.out.example"), after: 10) == .released)
        #expect(try attempt(mail(), after: 20) == .known)
    }

    @Test("what has passed isn't released, and what was never seen may be")
    func passed() async throws {
        for seconds: Int64 in [-400, 0] { _ = try attempt(mail(), after: seconds) }
        let order = MailOrder(.release, [mail(), mail(sender: "b@other.example")])
        #expect(MailReceipt(try await orders().carryOut(order.request))?.counts == [0, 3])
        #expect(try attempt(mail(), after: 10) == .known)
        #expect(try attempt(mail(sender: "b@other.example"), after: 10) == .released)
    }

    @Test("what is forgotten is new again")
    func forget() async throws {
        for seconds: Int64 in [-400, 0] { _ = try attempt(mail(), after: seconds) }
        #expect(MailReceipt(try await orders().carryOut(MailOrder(.forget, [mail()]).request))?.counts == [2])
        #expect(try attempt(mail(), after: 10) == .new(wait: 300))
        let again = MailOrder(.forget, [mail(sender: "c@other.example")])
        #expect(MailReceipt(try await orders().carryOut(again.request))?.counts == [0])
    }

    @Test("an order that isn't one, an address that isn't one", arguments: [[], ["release", "a"], ["burn"]])
    func malformed(_ arguments: [String]) async throws {
        let reply = try await orders().carryOut(ControlRequest(MailOrder.verb, arguments: arguments))
        #expect(reply.status == 64)
        let order = MailOrder(.release, [mail("not an address")])
        #expect(try await orders().carryOut(order.request).status == 65)
    }
}
