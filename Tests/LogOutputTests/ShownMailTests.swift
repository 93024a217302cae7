import Greylist
import Policy
import SampleOptions
import Storage
import Testing

@testable import Engine
@testable import LogOutput
@testable import SPF

@Suite("How much of addresses the log shows")
struct ShownMailTests {
    private static let digests = MailDigests(
        key: Array(repeating: 7, count: MailDigests.keySize), masks: .sample(), foldsRecipient: false)

    /// Words that would give a sender, a recipient, their clients or a login away.
    private static let locals = ["secretary", "receiver", "login-name", "cert-name"]
    private static let clients = ["relay.sending", "helo-name", "198.51.100.77"]
    private static let domains = ["receiving.example"]

    private static let changes: [(String, String)] = [
        ("sender", "Secretary-7@Sending.Example"), ("recipient", "Receiver+x@receiving.example"),
        ("client_address", "198.51.100.77"), ("client_name", "relay.sending.example"),
        ("helo_name", "helo-name.sending.example"), ("sasl_username", "login-name"),
        ("ccert_subject", "cert-name"), ("ccert_issuer", "cert-name"), ("request", "smtpd_access_policy"),
        ("protocol_state", "RCPT"), ("instance", "abc.1"), ("queue_id", ""),
    ]

    /// All lines of a decision at the level of debugging, with all its steps, in that form.
    private func lines(
        _ addresses: LoggedAddresses, _ form: LogForm = LogForm(format: .postgrey, hasFields: false),
        _ changed: [(String, String)] = []
    ) async throws -> [String] {
        let pipe = try Pipe()
        let sink = LogSink(
            .descriptor(pipe.write), format: form.format, level: .debug, addresses: addresses,
            now: { Timestamp(seconds: 0) })
        var log = DecisionLog(to: sink)
        let request = try LogTests.request((Self.changes + changed).map { ($0.0, Array($0.1.utf8)) })
        var record = DecisionRecord(
            .judged(.new(wait: 300)), reply: .action(Array("DEFER_IF_PERMIT for receiving.example".utf8)))
        var identity = ClientIdentity()
        identity.search = .ended(
            SPFOutcome(
                result: .permerror, grade: nil, scope: .mailFrom, domain: Array("sending.example".utf8),
                path: [], problem: nil, dependencies: []), milliseconds: 3)
        record.identity = identity
        log.append(record, on: request, at: Timestamp(seconds: 0)) {
            var envelope = Envelope()
            let isAddressed = envelope.address(
                client: Array("198.51.100.77".utf8).span, sender: Array("secretary-7@sending.example".utf8).span,
                recipient: Array("receiver+x@receiving.example".utf8).span, masks: .sample(), foldsRecipient: false)
            return isAddressed ? envelope : nil
        }
        log.flush()
        await sink.flush(within: 60)
        return pipe.lines()
    }

    @Test(
        "in no form and no step of a decision stands what isn't to be shown",
        arguments: [LineFormat.postgrey, .logfmt, .json])
    func hidden(_ format: LineFormat) async throws {
        let form = LogForm(format: format, hasFields: false)
        let full = try await lines(.full, form).joined()
        for word in Self.locals + Self.clients + Self.domains { #expect(full.lowercased().contains(word), "\(word)") }
        let domain = try await lines(.domain, form).joined()
        for word in Self.locals { #expect(!domain.lowercased().contains(word), "\(word): \(domain)") }
        for word in Self.clients + Self.domains { #expect(domain.lowercased().contains(word), "\(word)") }
        let hashed = try await lines(.hashed(Self.digests), form).joined()
        for word in Self.locals + Self.clients + Self.domains {
            #expect(!hashed.lowercased().contains(word), "\(word): \(hashed)")
        }
        #expect(hashed.contains("198.51.100.0/24"))
    }

    @Test("the fields of a journal have no more than the line")
    func journal() throws {
        let request = try LogTests.request(Self.changes.map { ($0.0, Array($0.1.utf8)) })
        for (addresses, words) in [
            (LoggedAddresses.domain, Self.locals), (.hashed(Self.digests), Self.locals + Self.clients + Self.domains),
        ] {
            var shown = try #require(ShownMail(addresses))
            shown.take(request)
            var records = LogRecords()
            records.append(
                decision: DecisionRecord(.judged(.known)), on: request, as: shown, at: Timestamp(seconds: 0),
                in: LogForm(format: .postgrey, hasFields: true))
            var bytes: [UInt8] = []
            records.forEachRecord { _, _, text in bytes.append(text) }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains("TPRT_SENDER\n") && text.contains("TPRT_CLIENT_ADDRESS\n"))
            for word in words { #expect(!text.lowercased().contains(word), "\(word): \(text)") }
        }
    }

    @Test("the line keeps its shape, and the digests are those of the history")
    func line() async throws {
        var digests = Self.digests
        let keys = digests.keys(
            client: Array("198.51.100.77".utf8)[...], sender: Array("secretary-9@sending.example".utf8)[...],
            recipient: Array("receiver+x@receiving.example".utf8)[...])
        let hashed = try await lines(.hashed(Self.digests)).last
        #expect(
            hashed
                == "action=greylist, reason=new, client_name=hidden, client_address=198.51.100.0/24, "
                + "sender=\(keys.sender.digestText), recipient=\(keys.recipient.digestText)")
        let domain = try await lines(.domain).last
        #expect(
            domain?.hasSuffix(
                "client_name=relay.sending.example, client_address=198.51.100.77, sender=@Sending.Example, "
                    + "recipient=@receiving.example") == true)
    }

    @Test(
        "of the null sender nothing is shown, of an address without a domain no more than that",
        arguments: [
            (LoggedAddresses.domain, "", nil), (.domain, "secretary", "@"),
            (.domain, "\"a@b\"@x.example", "@x.example"),
            (.domain, "a@", "@"), (.hashed(digests), "", nil),
        ] as [(LoggedAddresses, String, String?)])
    func senders(_ addresses: LoggedAddresses, _ sender: String, _ shown: String?) async throws {
        let line = try #require(
            try await lines(addresses, LogForm(format: .postgrey, hasFields: false), [("sender", sender)]).last)
        #expect(line.contains(", sender=") == (shown != nil))
        if let shown { #expect(line.contains(", sender=\(shown), recipient=")) }
    }

    @Test("a client whose address can't be read has no network, and other addresses have other digests")
    func clients() async throws {
        let form = LogForm(format: .postgrey, hasFields: false)
        let line = try #require(try await lines(.hashed(Self.digests), form, [("client_address", "nonsense")]).last)
        #expect(line.contains("client_address=, sender="))
        let other = MailDigests(
            key: Array(repeating: 8, count: MailDigests.keySize), masks: .sample(), foldsRecipient: false)
        #expect(try await lines(.hashed(other)).last != lines(.hashed(Self.digests)).last)
    }

    @Test("what is shown may change while the log is open")
    func changes() async throws {
        let pipe = try Pipe()
        let sink = LogSink(.descriptor(pipe.write), level: .info, now: { Timestamp(seconds: 0) })
        var log = DecisionLog(to: sink)
        let request = try LogTests.request()
        for addresses in [LoggedAddresses.full, .domain, .hashed(Self.digests), .full] {
            sink.addresses = addresses
            log.append(DecisionRecord(.judged(.known)), on: request, at: Timestamp(seconds: 0)) { nil }
        }
        log.flush()
        await sink.flush(within: 60)
        let senders = pipe.lines().map { $0.split(separator: ", ").first { $0.hasPrefix("sender=") } }
        #expect(senders[0] == "sender=a@example.org" && senders[1] == "sender=@example.org")
        #expect(senders[2]?.count == "sender=".count + 16 && senders[3] == senders[0])
    }
}
