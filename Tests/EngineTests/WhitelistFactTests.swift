import Engine
import Greylist
import SampleOptions
import Storage
import Testing
import Whitelists

@Suite("Whitelist entries about who a client is")
struct WhitelistFactTests {
    private struct Unexpected: Error {}

    private static let organisation = Domain("example.org").map { Condition.fact(.identity($0)) }
    private static let generic: [(String, String?)] = [("client_name", "host-192-0-2-7.dyn.example.org")]
    private static let list = Domain("list.example").flatMap(DNSList.Zone.init)
        .map { Condition.fact(.listed(DNSList($0))) }

    @Test(
        "what names tell decides; what the DNS doesn't say isn't so",
        arguments: [
            (.fact(.genericName), generic, true), (.fact(.genericName), [], false),
            (.fact(.genericName), [("client_name", "unknown")], false),
            (organisation, [], true), (organisation, [("sender", "b@mail.example.org")], true),
            (organisation, generic, false), (organisation, [("sender", "a@example.com")], false),
            (organisation, [("sender", ""), ("helo_name", "mx.example.org")], true),
            (.fact(.proof(.name)), [], true), (.fact(.proof(.name)), [("sender", "a@example.com")], false),
            (.fact(.proof(.spf)), generic, false), (.not(.fact(.proof(.spf))), generic, true),
            (.fact(.spf(.pass)), [], false), (.fact(.spf(.temperror)), [], false), (.fact(.spf(.none)), [], false),
            (list, [], false), (list.map { .not($0) }, [], true),
            (organisation.map { .all([$0, .not(.fact(.genericName))]) }, [], true),
        ] as [(Condition?, [(String, String?)], Bool)],
        [IdentityMethods.off, .name, .spf])
    func decides(example: (condition: Condition?, request: [(String, String?)], passes: Bool), method: IdentityMethods)
        throws
    {
        var options = PolicyEngine.Options.sample()
        options.identity = method
        var engine = try PolicyEngineTests.engine(options)
        engine.change(whitelist: Whitelist([WhitelistEntry(try #require(example.condition))], source: "here"))
        let request = try PolicyEngineTests.request(example.request)
        var (attempt, message) = (Attempt(), MessageProgress())
        // Another client's names are left in it.
        for (request, passes) in [(try PolicyEngineTests.request(Self.generic), nil), (request, example.passes)] {
            var step = engine.decide(request, of: &message, at: PolicyEngineTests.now, using: &attempt)
            if case .needsFacts(let question) = step {
                // It says nothing in time.
                step = engine.decide(
                    request, knowing: DNSFacts(for: question), of: &message, at: PolicyEngineTests.now, using: &attempt)
            }
            let isDone = if case .done = step { true } else { false }
            if let passes { #expect(isDone == passes) }
        }
    }

    @Test("an entry may have its own delay for generic names, and the keys of a client are as without it")
    func delays() throws {
        var options = PolicyEngine.Options.sample()
        options.identity = .name
        var engine = try PolicyEngineTests.engine(options)
        var (attempt, message) = (Attempt(), MessageProgress())
        for changes in [[], Self.generic] as [[(String, String?)]] {
            let request = try PolicyEngineTests.request(changes)
            engine.change(whitelist: Whitelist())
            guard
                case .needsStore(_, let plain) = engine.decide(
                    request, of: &message, at: PolicyEngineTests.now, using: &attempt)
            else { throw Unexpected() }
            let entry = WhitelistEntry(.fact(.genericName), effect: .delay(77))
            engine.change(whitelist: Whitelist([entry], source: "here"))
            guard
                case .needsStore(let decision, let query) = engine.decide(
                    request, of: &message, at: PolicyEngineTests.now, using: &attempt)
            else { throw Unexpected() }
            #expect(query.lookups.map(\.key) == plain.lookups.map(\.key))
            #expect(decision.delay == (changes.isEmpty ? options.rules.delay : 77))
            #expect(decision.entry?.location == (changes.isEmpty ? nil : "here"))
        }
    }
}
