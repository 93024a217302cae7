import ArgumentParser
import FoundationEssentials
import Greylist
import JSONText
import Programs
import Resolver
import SPF
import Settings
import WhitelistFiles

/// `tprtctl dns`: says what the DNS says.
struct DNSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dns", abstract: "Say what the DNS says, as the daemon would be told.",
        subcommands: [DNSTestCommand.self])
}

/// `tprtctl dns test`.
struct DNSTestCommand: MainActorCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Ask the DNS about a domain, and check whether an address may send for it.",
        discussion: """
            Ends with status 0 where something was found (with --address: where SPF proves that it may send), with 1 \
            where it wasn't, and with 69 where the DNS didn't answer. Nothing of a running daemon is used or changed.
            """)

    /// What can be asked for.
    enum RecordType: String, ExpressibleByArgument, CaseIterable {
        case a, aaaa, mx, txt, ptr

        var type: DNSRecordType {
            switch self {
            case .a: .a
            case .aaaa: .aaaa
            case .mx: .mx
            case .txt: .txt
            case .ptr: .ptr
            }
        }
    }

    @Argument(help: ArgumentHelp("A domain, or an address, whose names are asked for.", valueName: "domain"))
    var domain: String

    @Option(
        help: ArgumentHelp(
            "What is asked for; may be given several times.",
            discussion: "Unless one is named: txt, mx, a and aaaa for a domain, ptr for an address.", valueName: "type")
    )
    var type: [RecordType] = []

    @Option(help: ArgumentHelp("Check whether this address may send for the domain.", valueName: "address"))
    var address: String?

    @Option(
        help: ArgumentHelp(
            "The sender that is checked, with --address; else postmaster of the domain.", valueName: "address"))
    var sender: String?

    @Option(
        help: ArgumentHelp("The name with which the client greets, with --address; else the domain.", valueName: "name")
    )
    var helo: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var servers: DNSServerOptions

    func validate() throws {
        _ = try questions()
        guard let address else {
            if sender != nil || helo != nil {
                throw ValidationError("--sender and --helo say what --address is checked for, which is missing")
            }
            return
        }
        guard spfAddress(address) != nil else { throw ValidationError("\(shortened(address)) is not an address") }
    }

    /// What is asked, in the order in which it is said.
    func questions() throws(ValidationError) -> [(type: RecordType, question: DNSQuestion)] {
        if let reverse = spfAddress(domain)?.reverseQuestion {
            guard type.allSatisfy({ $0 == .ptr }) else {
                throw ValidationError("\(domain) is an address, which has names only (--type ptr)")
            }
            return [(.ptr, reverse)]
        }
        var questions: [(RecordType, DNSQuestion)] = []
        for type in type.isEmpty ? [.txt, .mx, .a, .aaaa] : type where !questions.contains(where: { $0.0 == type }) {
            guard let question = DNSQuestion(Array(domain.utf8), type.type) else {
                throw ValidationError("\(shortened(domain)) is not a domain name")
            }
            questions.append((type, question))
        }
        return questions
    }

    private func spfAddress(_ text: String) -> SPFAddress? {
        guard let address = Address(client: Array(text.utf8).span) else { return nil }
        switch address.family {
        case .ipv4: return .ipv4(UInt32(truncatingIfNeeded: address.bits >> 96))
        case .ipv6: return .ipv6(address.bits)
        }
    }

    /// The findings.
    func explanation() async throws -> DNSExplanation {
        let servers = try servers.read(environment: ProcessInfo.processInfo.environment)
        let options = servers.options
        let resolver = DNSResolver(options) { note($0) }
        let questions = try questions()
        let answers = await withTaskGroup(of: (Int, DNSExplanation.Finding).self) { group in
            for (index, (type, question)) in questions.enumerated() {
                group.addTask {
                    let began = ContinuousClock.now
                    let answer = await resolver.answer(to: question)
                    return (
                        index, DNSExplanation.Finding(type: type, answer: answer, time: ContinuousClock.now - began)
                    )
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var check: (check: SPFCheck, time: Duration)?
        if let client = address.flatMap(spfAddress) {
            let sender = sender ?? "postmaster@\(domain)"
            let subject = SPFSubject(
                client: client, network: 0, hasHost: true, sender: Array(sender.utf8).span,
                helo: Array((helo ?? domain).utf8).span)
            let began = ContinuousClock.now
            check = (await resolver.check(subject), ContinuousClock.now - began)
        }
        await resolver.close()
        return DNSExplanation(
            servers: options.servers, source: servers.source, timeout: options.timeout,
            findings: questions.indices.compactMap { answers[$0] }, check: check)
    }

    @MainActor func run() async throws {
        let explanation = try await explanation()
        try say(json ? explanation.json.text : explanation.text)
        if explanation.status != 0 { throw ExitCode(explanation.status) }
    }
}

/// Which servers are asked.
struct DNSServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A DNS server, such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53; may be given several times.",
            discussion: "Unless one is named, they are those of --resolv-conf or of the settings.",
            valueName: "address"))
    var servers: [String] = []

    @Option(
        help: ArgumentHelp("The file whose nameserver lines say which servers are asked.", valueName: "file"),
        completion: .file())
    var resolvConf: String?

    @OptionGroup var settings: SettingFiles

    /// Whom to ask, and where that comes from.
    struct Servers {
        let options: ResolverOptions
        let source: String
    }

    func validate() throws {
        do throws(DNSServerError) {
            for text in servers { _ = try DNSServer(text) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The servers, and how long they have: as the daemon has them, where nothing else is said.
    func read(environment: [String: String]) throws(ProgramError) -> Servers {
        let service = try settings.load(environment: environment).service
        let named = servers.isEmpty && resolvConf == nil ? service.dnsServers : servers
        if !named.isEmpty {
            var list: [DNSServer] = []
            do throws(DNSServerError) {
                for text in named { list.append(try DNSServer(text)) }
            } catch {
                throw ProgramError(.configuration, "service.dns_servers: \(error)")
            }
            return Servers(
                options: ResolverOptions(servers: list, timeout: service.dnsTimeout),
                source: servers.isEmpty ? "service.dns_servers" : "--servers")
        }
        let source = resolvConf ?? service.dnsResolvConf
        var text: [UInt8] = []
        do throws(FileReadError) {
            text = try contents(of: source, limit: ResolvConf.sizeLimit)
        } catch {
            // Without the usual file the local server is asked, as by the C library.
            if resolvConf != nil { throw ProgramError(.noInput, "\(bareOrQuoted(source)): \(error)") }
        }
        return Servers(
            options: ResolverOptions(servers: ResolvConf.servers(in: text), timeout: service.dnsTimeout), source: source
        )
    }
}
