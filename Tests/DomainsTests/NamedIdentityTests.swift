import Greylist
import Testing

@testable import Domains

@Suite("Who a client is by names")
struct NamedIdentityTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name = "mail.example.org"
        var helo = "mail.example.org"
        var sender = "bob@example.org"
        var host: String? = "example.org"
        var finding = NamedIdentity.HostFinding.organisation
        var organisation: String? = "example.org"
        var domain = NamedIdentity.SenderFinding.senderDomain
        var proof = NamedIdentity.Proof.serverWord
        var isShared = false

        var testDescription: String { "\(name) \(helo) <\(sender)>" }
    }

    static let cases: [Case] = [
        Case(),
        // The name is the organisation, or its case and final dot differ.
        Case(name: "Example.ORG.", proof: .organisationItself),
        Case(
            name: "shop.github.io", sender: "a@shop.github.io", host: "shop.github.io", organisation: "shop.github.io",
            proof: .organisationItself),
        // A customer's machine of a provider that sends as the provider.
        Case(
            name: "vps-1.provider.example", sender: "a@provider.example", host: "provider.example",
            organisation: "provider.example", proof: .noServerWord),
        // Somebody else's server, which has to pass SPF.
        Case(name: "mail.other.example", host: "other.example", proof: .otherOrganisation),
        Case(sender: "bob@mail.example.com", organisation: "example.com", proof: .otherOrganisation),
        // No name, a generic one, none at all.
        Case(name: "unknown", host: nil, finding: .unknown, proof: .noHost),
        Case(name: "UNKNOWN", host: nil, finding: .unknown, proof: .noHost),
        Case(name: "", host: nil, finding: .unknown, proof: .noHost),
        Case(name: "a b", host: nil, finding: .malformed, proof: .noHost),
        Case(name: "[192.0.2.7]", host: nil, finding: .malformed, proof: .noHost),
        Case(name: "192.0.2.7", host: nil, finding: .malformed, proof: .noHost),
        Case(name: "host-2-7.example.org", host: nil, finding: .holdsAddress, proof: .noHost),
        Case(name: "mail.pool.example.org", host: nil, finding: .dialUp, proof: .noHost),
        // The null sender, and senders without a domain.
        Case(sender: "", domain: .heloName),
        Case(sender: "bob", domain: .heloName), Case(sender: "bob@", domain: .heloName),
        Case(
            helo: "mx.example.com", sender: "", organisation: "example.com", domain: .heloName,
            proof: .otherOrganisation),
        Case(helo: "localhost", sender: "", organisation: nil, domain: .none, proof: .noSender),
        Case(helo: "[192.0.2.7]", sender: "", organisation: nil, domain: .none, proof: .noSender),
        Case(helo: "192.0.2.7", sender: "", organisation: nil, domain: .none, proof: .noSender),
        Case(helo: "", sender: "", organisation: nil, domain: .none, proof: .noSender),
        Case(
            name: "unknown", helo: "x", sender: "", host: nil, finding: .unknown, organisation: nil, domain: .none,
            proof: .noHost),
        // What is not a domain.
        Case(sender: "bob@[192.0.2.7]", organisation: "[192.0.2.7]", domain: .addressLiteral, proof: .noSender),
        Case(sender: "bob@exam ple.org", organisation: nil, domain: .malformed, proof: .noSender),
        Case(sender: "bob@192.0.2.7", organisation: nil, domain: .malformed, proof: .noSender),
        // The last @ counts.
        Case(sender: "\"a@b.example\"@example.org"),
        Case(sender: "bob@localhost", organisation: "localhost", proof: .otherOrganisation),
        // Beyond ASCII.
        Case(
            name: "mx.xn--bcher-kva.example", sender: "bob@BÜCHER.example", host: "xn--bcher-kva.example",
            organisation: "xn--bcher-kva.example"),
        // Shared identities are proven, too.
        Case(
            name: "a4-17.smtp-out.eu-west-1.amazonses.com", sender: "x@eu-west-1.amazonses.com", host: "amazonses.com",
            organisation: "amazonses.com", isShared: true),
        Case(
            name: "mail-wm1-f50.google.com", sender: "bob@gmail.com", host: "google.com", organisation: "gmail.com",
            proof: .otherOrganisation, isShared: true),
        Case(
            name: "out1.mcsv.net", sender: "x@mcsv.net", host: "mcsv.net", organisation: "mcsv.net", isShared: true),
        // A tenant's name is not its provider's.
        Case(
            name: "mail.onmicrosoft.com", sender: "bob@contoso.onmicrosoft.com", host: "mail.onmicrosoft.com",
            organisation: "contoso.onmicrosoft.com", proof: .otherOrganisation),
    ]

    private static func find(_ one: Case, _ organisations: Organisations, in identity: inout NamedIdentity) throws {
        try identity.find("192.0.2.7", name: one.name, helo: one.helo, sender: one.sender, in: organisations)
    }

    private static func check(_ identity: NamedIdentity, _ one: Case) {
        let (host, organisation) = identity.readOrganisations { host, sender in
            (String(copying: host), String(copying: sender))
        }
        #expect(identity.host == one.finding)
        #expect(identity.sender == one.domain)
        #expect(identity.proof == one.proof)
        #expect(identity.isShared == one.isShared)
        #expect(host == one.host)
        #expect(organisation == one.organisation)
    }

    @Test("each step has its finding", arguments: cases)
    func steps(one: Case) throws {
        var identity = NamedIdentity()
        try Self.find(one, try Lists.organisations(), in: &identity)
        Self.check(identity, one)
        #expect(identity.proof.isProven == (one.proof == .serverWord || one.proof == .organisationItself))
    }

    @Test("a value that is used again knows nothing of the message before")
    func again() throws {
        let organisations = try Lists.organisations()
        var identity = NamedIdentity()
        for one in Self.cases + Self.cases.reversed() {
            try Self.find(one, organisations, in: &identity)
            Self.check(identity, one)
        }
    }

    @Test("a suffix of a tenant identity is told, also where the domain is the host's organisation")
    func tenants() throws {
        let organisations = try Lists.organisations()
        var identity = NamedIdentity()
        for (sender, isTenant) in [
            ("a@contoso.onmicrosoft.com", true), ("a@b.contoso.onmicrosoft.com", true), ("a@example.org", false),
        ] {
            try identity.find(
                "192.0.2.7", name: "mx.contoso.onmicrosoft.com", helo: "", sender: sender, in: organisations)
            #expect(identity.details.isHostTenant)
            #expect(identity.details.isSenderTenant == isTenant, "\(sender)")
        }
    }

    @Test("without a list each domain is an organisation of its own")
    func noList() throws {
        let list = PublicSuffixList()
        let organisations = Organisations(suffixes: list, shared: Lists.identities("tenant example.org\n"))
        #expect(organisations.name(of: "mx.example.org") == "mx.example.org")
        var identity = NamedIdentity()
        try Self.find(Case(name: "example.org"), organisations, in: &identity)
        #expect(identity.proof == .organisationItself)
        try Self.find(Case(), organisations, in: &identity)
        #expect(identity.proof == .otherOrganisation)
    }

    @Test("hostile names are neither slow nor a trap")
    func hostile() throws {
        let organisations = try Lists.organisations()
        var identity = NamedIdentity()
        let bytes: [[UInt8]] = [
            Array(repeating: UInt8(ascii: "."), count: 1_000), Array(repeating: UInt8(ascii: "-"), count: 253),
            Array(repeating: 0xff, count: 1_000), [0], [UInt8(ascii: "@")], [UInt8(ascii: "[")], Array("[]".utf8),
            Array(String(repeating: "1.", count: 126).utf8), Array(String(repeating: "a-", count: 126).utf8) + [0x61],
            Array(String(repeating: "=", count: 1_000).utf8),
        ]
        for name in bytes {
            for helo in bytes {
                for sender in bytes {
                    identity.find(
                        client: try #require(Address("2001:db8::1")), clientName: name.span, helo: helo.span,
                        sender: sender.span, in: organisations)
                    var key: [UInt8] = []
                    identity.appendFoldedSender(sender.span, recipient: sender.span, to: &key)
                    #expect(!identity.proof.isProven)
                }
            }
        }
    }
}

/// Numbers that are the same in each run.
private struct Numbers: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}

@Suite("Random texts as names and senders")
struct RandomNameTests {
    private static let pieces = [
        ".", "-", "@", "=", "==", "+", "_", "[", "]", "/", "a", "f", "0", "7", "192", "mail", "dyn", "com", "co.uk",
        "example", "github.io", "srs0=ab=cd=", "prvs=0123abcdef=", "user", "é", "xn--", "\u{0}", "0123456789abcdef",
    ]

    private static func text(_ numbers: inout Numbers) -> String {
        (0..<Int.random(in: 0...12, using: &numbers)).map { _ in
            Self.pieces.randomElement(using: &numbers) ?? ""
        }.joined()
    }

    @Test("an organisation is the end of its name and its own, and keys don't grow")
    func properties() throws {
        let organisations = try Lists.organisations()
        var (numbers, identity) = (Numbers(), NamedIdentity())
        for _ in 0..<20_000 {
            let (name, helo) = (Self.text(&numbers), Self.text(&numbers))
            let sender = "\(Self.text(&numbers))@\(Self.text(&numbers))"
            try identity.find(
                Bool.random(using: &numbers) ? "192.0.2.7" : "2001:db8::7", name: name, helo: helo, sender: sender,
                in: organisations)
            let details = identity.details
            for (name, organisation) in [
                (details.hostName, details.hostOrganisation), (details.senderName, details.senderOrganisation),
            ] {
                guard let name, let organisation else { continue }
                #expect(name.hasSuffix(organisation))
                #expect(organisations.name(of: organisation) == organisation)
            }
            let folded = identity.folded(sender, recipient: "user@example.com")
            #expect(folded.utf8.count <= sender.utf8.count + (details.senderName?.utf8.count ?? 0) + 4)
            #expect(folded.last != "+")
        }
    }
}

extension String {
    fileprivate init?(copying bytes: Span<UInt8>?) {
        guard let bytes else { return nil }
        self.init(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }
}
