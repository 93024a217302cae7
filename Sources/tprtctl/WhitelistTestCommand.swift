import ArgumentParser
import Bytes
import Domains
import Greylist
import JSONText
import Programs
import Whitelists

/// `tprtctl whitelist test`.
struct WhitelistTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Say which entry decides about a request, and why others don't.",
        discussion: """
            Ends with status 0 where an entry decides, with 1 where none does. Entries of which no part holds are \
            counted only, unless --all is given. Entries may depend on what the DNS says of the client, which isn't asked: \
            --spf, --identity and --dns-list say it; else it is said what would have to be asked, and which entry decides \
            without an answer.
            """)

    @Option(help: ArgumentHelp("The client's address.", valueName: "address"))
    var client = "0.0.0.0"

    @Option(help: ArgumentHelp("The client's forward-confirmed name.", valueName: "name"))
    var name = "unknown"

    @Option(help: ArgumentHelp("The name with which the client greets.", valueName: "name"))
    var helo: String?

    @Option(help: ArgumentHelp("The sender.", valueName: "address"))
    var sender = ""

    @Option(help: ArgumentHelp("The recipient.", valueName: "address"))
    var recipient = ""

    @Option(
        help: ArgumentHelp("Any other attribute; may be given several times.", valueName: "name=value"))
    var attribute: [String] = []

    @OptionGroup var answers: FactOptions

    @Flag(help: "Name each entry that doesn't match.")
    var all = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var lists: IdentityLists

    @OptionGroup var selection: WhitelistSelection

    func validate() throws {
        guard Address(client: Array(client.utf8).span) != nil else {
            throw ValidationError("\(shortened(client)) is not an address")
        }
        for text in attribute where !text.contains("=") {
            throw ValidationError("\(shortened(text)) is malformed (expected name=value)")
        }
    }

    var attributes: [String: String] {
        var attributes = ["client_address": client, "client_name": name, "sender": sender, "recipient": recipient]
        attributes["helo_name"] = helo
        for text in attribute {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            attributes[String(parts[0])] = String(parts[1])
        }
        return attributes
    }

    func run() throws {
        let prefixes = try selection.nat64Prefixes()
        guard let sample = SampleRequest(attributes: attributes, nat64Prefixes: prefixes) else {
            throw ProgramError(.usage, "such a request can't be sent: no value may hold a line break")
        }
        let reading = try selection.read()
        var facts = ClientFacts()
        if Whitelist(reading.parts).dependsOnFacts { facts = try self.facts() }
        let explanation = WhitelistExplanation(sample, reading, at: WallClock.now(), knowing: facts)
        try say(json ? explanation.json.text : explanation.text(showsAll: all))
        for fault in reading.faults { note(fault) }
        if explanation.decides == nil { throw ExitCode(1) }
    }

    /// What names tell of the client, and what the options say of it.
    func facts() throws(ProgramError) -> ClientFacts {
        let attributes = attributes
        func bytes(_ name: String) -> [UInt8] { Array((attributes[name] ?? "").utf8) }
        let (name, helo) = (bytes("client_name"), bytes("helo_name"))
        let sender = bytes("sender").map(\.lowercased)
        var identity = NamedIdentity()
        if let client = Address(client: bytes("client_address").span) {
            identity.find(
                client: client, clientName: name.span, helo: helo.span, sender: sender.span,
                in: try lists.read().organisations)
        }
        var facts = ClientFacts(identity)
        answers.add(to: &facts)
        return facts
    }
}

/// What the DNS says of a client, in place of asking it.
struct FactOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The result of SPF: \(Condition.SPFResult.allCases.map(\.rawValue).joined(separator: ", ")).",
            discussion: "A pass is taken for one that proves the sender's organisation.", valueName: "result"),
        completion: .list(Condition.SPFResult.allCases.map(\.rawValue)),
        transform: { text in
            guard let result = Condition.SPFResult(rawValue: text.lowercased()) else {
                throw ValidationError("\(shortened(text)) is not a result of SPF")
            }
            return result
        })
    var spf: Condition.SPFResult?

    @Option(
        help: ArgumentHelp(
            "The sender's organisation, which SPF proves; so its result is pass, unless --spf says none.",
            valueName: "domain"))
    var identity: String?

    @Option(
        help: ArgumentHelp(
            "What a list in the DNS answers, such as list.example=127.0.0.2, or list.example= where it doesn't list the client; may be given several times.",
            valueName: "zone=address"))
    var dnsList: [String] = []

    func validate() throws {
        if let identity {
            guard Domain(identity) != nil else { throw ValidationError("\(shortened(identity)) is not a domain name") }
            guard [nil, .pass, .some(.none)].contains(spf) else {
                throw ValidationError("--identity says what SPF proves, and --spf that it proves nothing")
            }
        }
        for text in dnsList where answer(text) == nil {
            throw ValidationError(
                "\(shortened(text)) is malformed (expected zone=address, such as list.example=127.0.0.2)")
        }
    }

    /// Adds what they say to what is known of the client.
    func add(to facts: inout ClientFacts) {
        if let spf { facts.spf = .known(spf, isProof: spf == .pass) }
        if let domain = identity.flatMap(Domain.init) {
            facts.organisation = Array((domain.spellings.first { $0.utf8.allSatisfy { $0 < 0x80 } } ?? "").utf8)
            facts.spf = .known(spf ?? .pass, isProof: true)
        }
        var answers: [DNSList.Zone: [UInt32]] = [:]
        for (zone, address) in dnsList.compactMap(answer) { answers[zone, default: []] += address.map { [$0] } ?? [] }
        for (zone, addresses) in answers { facts.note(addresses, of: zone) }
    }

    private func answer(_ text: String) -> (zone: DNSList.Zone, address: UInt32?)? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let zone = Domain(String(parts[0])).flatMap(DNSList.Zone.init) else { return nil }
        if parts[1].isEmpty { return (zone, nil) }
        guard let address = Address(String(parts[1])), address.family == .ipv4 else { return nil }
        return (zone, UInt32(truncatingIfNeeded: address.bits >> 96))
    }
}
