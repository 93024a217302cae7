import Foundation
import RedisLab
import TestSupport
import Testing

/// postgrey's own lists, in postgrey and in ours.
@Suite("postgrey's lists", .blocking)
struct PostgreyTests {
    private static let sources = [
        "postgrey-clients://\(Postgrey.clients)", "postgrey-recipients://\(Postgrey.recipients)",
    ]

    @Test("There are as many entries as postgrey's own readers make of them")
    func count() throws {
        try withLab { lab in
            let counted = try Postgrey.count(clients: Postgrey.clients, recipients: Postgrey.recipients)
            #expect(counted.clients > 100 && counted.recipients >= 2)
            let check = try lab.tprtctl(["whitelist", "check", "--regex"] + Self.sources)
            let said = try check.succeed()
            #expect(check.errors.isEmpty)
            #expect(said.contains("\(Postgrey.clients): \(counted.clients) entries"), "\(said)")
            #expect(said.contains("\(Postgrey.recipients): \(counted.recipients) entries"), "\(said)")
        }
    }

    /// Asked as they are, exported to JSON, and imported into a Redis.
    @Test("1,000 names, addresses and recipients have postgrey's own verdict")
    func verdicts() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try await withServer(.plain) { server in
            try withLab { lab in
                let recipients = try lab.directory.write(
                    try String(contentsOfFile: Postgrey.recipients, encoding: .utf8)
                        + "user@one.example\ntwo.example\n/^list-[0-9]+@/\n", to: "whitelist_recipients")
                let clients = try lab.directory.write(
                    try String(contentsOfFile: Postgrey.clients, encoding: .utf8)
                        + "198.51.100.64/27\n203.0.113\n2001:db8:1::/48\n2001:db8:2::1\n", to: "whitelist_clients")
                let postgrey = try Postgrey(in: lab.directory.path, clients: clients, recipients: recipients)
                defer { postgrey.end() }
                let theirs = try postgrey.client()
                defer { theirs.close() }

                let lists = ["postgrey-clients://\(clients)", "postgrey-recipients://\(recipients)"]
                let exported = lab.directory.file("exported.json")
                try lab.tprtctl(["whitelist", "export", "--output", exported] + lists).succeed()
                let redis = "redis://127.0.0.1:\(server.port)/0"
                try lab.tprtctl(["whitelist", "import", "--to", redis, "--regex"] + lists).succeed()
                let daemons = try [lists, ["file://\(exported)"], [redis]].enumerated().map { number, sources in
                    let list = sources.map { "\"\($0)\"" }.joined(separator: ", ")
                    let endpoint = Endpoint.unix(lab.directory.file("\(number).sock"))
                    let daemon = try lab.launch(
                        lab.arguments(at: endpoint, delay: 300, database: lab.directory.file("\(number).lmdb"))
                            + ["-i", "service.wl_sources=[\(list)]", "-i", "service.allow_wl_regex=true"],
                        listeningAt: [endpoint])
                    try daemon.waitUntilReady()
                    return daemon
                }
                let ours = try daemons.map { try $0.client() }
                defer { for client in ours { client.close() } }

                var specimens = PostgreySpecimens(
                    seed: seed, clients: try String(contentsOfFile: clients, encoding: .utf8),
                    recipients: try String(contentsOfFile: recipients, encoding: .utf8))
                var passed = 0
                for number in 0..<1_000 {
                    let request = specimens.next(number)
                    let wanted = try postgrey.ask(theirs, request, "seed \(seed), \(number)").passes
                    passed += wanted ? 1 : 0
                    for (place, client) in zip(["its files", "exported", "in Redis"], ours) {
                        let reply = try client.ask(request)
                        #expect(
                            reply.passes == wanted,
                            """
                            seed \(seed), \(number), \(place): \(request.clientName) \(request.clientAddress) \
                            \(request.recipient): postgrey \(wanted ? "lets it pass" : "greylists it"), we: \(reply)
                            """)
                    }
                }
                note("postgrey lets pass \(passed) of 1,000 (seed \(seed))")
                #expect((200...800).contains(passed), "seed \(seed): \(passed)")
            }
        }
    }
}

/// Requests in, near and far from what the lists name; no two have the same sender.
private struct PostgreySpecimens {
    private var random: SeededRandom
    private let names: [String]
    private let addresses: [String]
    private let recipients: [String]

    init(seed: UInt64, clients: String, recipients: String) {
        random = SeededRandom(seed: seed)
        let words = Self.words(clients).map { Self.sample($0) }
        let isAddress = { (word: String) in
            word.utf8.allSatisfy { "0123456789abcdef:./".utf8.contains($0) }
                && (word.contains(":") || !word.contains { $0.isLetter })
        }
        addresses = words.filter(isAddress).map { String($0.prefix { $0 != "/" }) }
        names = words.filter { !isAddress($0) }
        self.recipients = Self.words(recipients).map { Self.sample($0) }
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            line.prefix { $0 != "#" }.split(separator: " ").first.map(String.init)
        }
    }

    /// A text that a simple expression matches; other words are what they are.
    private static func sample(_ word: String) -> String {
        guard word.hasPrefix("/"), word.hasSuffix("/") else { return word }
        var text = String(word.dropFirst().dropLast())
        for (part, stand) in [
            ("(?:smtp\\w*|postfix)", "smtpx"), ("^", ""), ("$", ""), ("\\d+", "12"), ("\\d", "1"), (".*", "q7"),
            ("\\.", "."),
            ("[0-9]+", "34"), ("[cv]", "c"), ("[12]", "2"), ("p?", "p"), ("\\-", "-"), ("\\w+", "w"),
        ] { text = text.replacingOccurrences(of: part, with: stand) }
        return text
    }

    mutating func next(_ number: Int) -> PolicyRequest {
        var request = PolicyRequest(
            clientAddress: address(), clientName: name(), sender: "s\(number)@sender.example", recipient: recipient())
        request.instance = "i\(number)"
        // Most of them by one of the three only, so that each is seen to matter.
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            request.clientName = "unknown"
            request.recipient = "r\(number)@elsewhere.example"
        case 1:
            request.clientAddress =
                "10.\(Int.random(in: 0..<256, using: &random)).\(Int.random(in: 0..<256, using: &random)).7"
            request.recipient = "r@elsewhere.example"
        case 2:
            request.clientAddress =
                "10.\(Int.random(in: 0..<256, using: &random)).\(Int.random(in: 0..<256, using: &random)).7"
            request.clientName = "unknown"
        default: break
        }
        return request
    }

    private mutating func name() -> String {
        let name = names.randomElement(using: &random) ?? "unknown"
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return name
        case 1: return "mx\(Int.random(in: 0..<100, using: &random)).\(name)"
        case 2: return name.uppercased()
        case 3: return "x\(name)"
        case 4: return "\(name).example"
        case 5: return "\(name.dropLast())"
        case 6: return name.replacingOccurrences(of: ".", with: "x")
        default: return "mx\(Int.random(in: 0..<100, using: &random)).other.example"
        }
    }

    private mutating func address() -> String {
        let address = addresses.randomElement(using: &random) ?? "10.0.0.1"
        if address.contains(":") {
            switch Int.random(in: 0..<3, using: &random) {
            case 0: return address.hasSuffix("::") ? address + "1" : address
            case 1:
                return address.replacingOccurrences(
                    of: "db8:1", with: "db8:1:\(Int.random(in: 0..<9_000, using: &random))")
            default:
                return "2001:db8:\(Int.random(in: 0..<5, using: &random))::\(Int.random(in: 0..<3, using: &random))"
            }
        }
        var octets = address.split(separator: ".").compactMap { Int($0) }
        while octets.count < 4 { octets.append(Int.random(in: 0..<256, using: &random)) }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: break
        case 1: octets[3] = (octets[3] + 1) % 256
        case 2: octets[3] = Int.random(in: 0..<256, using: &random)
        default: octets[2] = (octets[2] + 1) % 256
        }
        return octets.map(String.init).joined(separator: ".")
    }

    private mutating func recipient() -> String {
        let word = recipients.randomElement(using: &random) ?? "user@"
        let parts = word.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let whole = parts.count < 2 ? "user@\(word)" : parts[1].isEmpty ? "\(word)any.example" : word
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return whole
        case 1: return whole.uppercased()
        case 2: return whole.replacingOccurrences(of: "@", with: "+ext@")
        case 3: return "x\(whole)"
        case 4: return "\(whole)x"
        case 5: return whole.replacingOccurrences(of: "@", with: "@mail.")
        case 6: return whole.replacingOccurrences(of: "@", with: "-x@")
        default: return "user@elsewhere.example"
        }
    }
}
