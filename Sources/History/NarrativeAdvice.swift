import Bytes
import Engine

/// A command line for a shell, from texts that anybody may have written.
///
/// Each word is quoted where a shell would see more in it than a text. A word that can't be on a line makes no command.
struct ShellCommand {
    /// The line.
    let line: String

    /// A line of these words; nil where one of them isn't printable ASCII.
    init?(_ words: [String]) {
        guard words.allSatisfy({ $0.utf8.allSatisfy(\.isPrintable) }) else { return nil }
        line = words.map(Self.quoted).joined(separator: " ")
    }

    /// A line of these words and of arguments, which may look like options.
    init?(_ words: [String], arguments: [String]) {
        let hasDash = arguments.contains { $0.hasPrefix("-") }
        self.init(words + (hasDash ? ["--"] : []) + arguments)
    }

    /// The word as every shell takes it for itself: in single quotes unless it is plain.
    static func quoted(_ word: String) -> String {
        let plain = "@%+:,./-_"
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { $0.isLetterOrDigit || plain.utf8.contains($0) }
        if isPlain { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// A whitelist entry that would let a sender pass, no wider than it needs to be.
public struct SuggestedEntry: Sendable, Equatable {
    /// The entry as it stands in a JSON file of ours.
    public let line: String
    /// The command that adds it to a file of the site.
    public let command: String

    /// The file that entries are suggested for, and its list.
    private static let (file, list) = ("/etc/tprt/whitelist.d/partners.json", "partners")
    /// So many domains an entry names at most: who sends for more of them is let pass for all.
    private static let mostDomains = 3

    /// A condition of an entry.
    fileprivate enum Condition {
        case client(String)
        case identity(String)
        case networks([String])
        case sender(String)
        case domains([String])
    }

    /// The entry for mail such as this; nil where nothing that is known tells it from other mail.
    ///
    /// - Parameter isShared: whether unrelated senders have its organisation in common
    init?(for mail: HistoryCase, isShared: Bool) {
        let domains = [mail.sender.domain].filter(\.isDomain)
        guard mail.organisation.isDomain, let proof = mail.proof, proof != .network else {
            self.init(Self.conditions(networks: mail.networks, domains: domains))
            return
        }
        switch proof {
        case .spf, .name:
            var conditions: [Condition] = [
                proof == .name ? .client(mail.organisation) : .identity(mail.organisation)
            ]
            if isShared { conditions = mail.sender.isPlainAddress ? conditions + [.sender(mail.sender)] : [] }
            self.init(conditions)
        case .host, .network: self.init(Self.conditions(host: mail.organisation, domains: domains))
        }
    }

    /// The entry for a sender whose mail waited; nil where nothing that is known tells it from others.
    ///
    /// - Parameter networks: those that it comes from, where only a domain tells who it is
    public init?(for sufferer: Sufferer, networks: [String]) {
        let domains = sufferer.senderDomains.filter(\.isDomain)
        switch sufferer.kind {
        case .network: self.init(Self.conditions(networks: [sufferer.name], domains: domains))
        case .domain:
            guard sufferer.name.isDomain else { return nil }
            self.init(Self.conditions(networks: networks, domains: [sufferer.name]))
        case .organisation:
            guard sufferer.name.isDomain else { return nil }
            let names = sufferer.clientNames
            let isHosts = !names.isEmpty && names.allSatisfy { $0.isDomain(within: sufferer.name) }
            self.init(
                isHosts
                    ? Self.conditions(host: sufferer.name, domains: domains) : [.identity(sufferer.name)])
        }
    }

    private init?(_ conditions: [Condition]) {
        guard !conditions.isEmpty else { return nil }
        let json = conditions.map(\.json)
        line = json.count == 1 ? json[0] : "{\"type\": \"all\", \"of\": [\(json.joined(separator: ", "))]}"
        let options = conditions.map(\.options)
        let words = options.contains(nil) ? ["--entry", line] : options.compactMap(\.self).flatMap { $0 }
        let command = ShellCommand(["tprtctl", "whitelist", "add", Self.file, "--list", Self.list] + words)
        guard let command else { return nil }
        self.command = command.line
    }

    /// Clients in these networks that send for these domains.
    private static func conditions(networks: [String], domains: [String]) -> [Condition] {
        guard !networks.isEmpty, networks.allSatisfy(\.isNetwork) else { return [] }
        return [.networks(networks)] + sending(for: domains)
    }

    /// Hosts of that organisation that send for others.
    private static func conditions(host: String, domains: [String]) -> [Condition] {
        [.client(host)] + sending(for: domains.filter { !$0.isDomain(within: host) })
    }

    private static func sending(for domains: [String]) -> [Condition] {
        (1...mostDomains).contains(domains.count) ? [.domains(domains)] : []
    }
}

extension SuggestedEntry.Condition {
    /// The condition as an object; nothing in its texts has to be escaped.
    fileprivate var json: String {
        switch self {
        case .client(let domain): Self.object("remote_name", "domain", domain)
        case .identity(let domain): Self.object("identity", "domain", domain)
        case .networks(let networks):
            Self.any(networks.map { Self.object($0.contains(":") ? "ipv6_net" : "ipv4_net", "net", $0) })
        case .sender(let address): Self.object("sender_literal", "sender", address)
        case .domains(let domains): Self.any(domains.map { Self.object("sender_domain", "domain", $0) })
        }
    }

    /// The condition as options of the command; nil where there are none that say it.
    fileprivate var options: [String]? {
        switch self {
        case .client(let domain): ["--name", domain]
        case .identity: nil
        case .networks(let networks): networks.count == 1 ? ["--network", networks[0]] : nil
        case .sender(let address): ["--sender", address]
        case .domains(let domains): domains.count == 1 ? ["--sender-domain", domains[0]] : nil
        }
    }

    private static func object(_ type: String, _ key: String, _ value: String) -> String {
        "{\"type\": \"\(type)\", \"\(key)\": \"\(value)\"}"
    }

    private static func any(_ objects: [String]) -> String {
        objects.count == 1 ? objects[0] : "{\"type\": \"any\", \"of\": [\(objects.joined(separator: ", "))]}"
    }
}

extension String {
    /// What follows the last `@`; empty where there is none.
    fileprivate var domain: String {
        utf8.lastIndex(of: UInt8(ascii: "@")).map { String(self[utf8.index(after: $0)...]) } ?? ""
    }

    /// Whether it is a domain in A-labels, and nothing else.
    var isDomain: Bool {
        let labels = utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count > 1 && utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                    && label.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
            }
            && labels.last?.allSatisfy(\.isDigit) == false
    }

    /// Whether it is that domain, or one below it.
    fileprivate func isDomain(within domain: String) -> Bool { self == domain || hasSuffix("." + domain) }

    /// Whether it is a network as the history writes it.
    fileprivate var isNetwork: Bool {
        let others = ":./"
        return !isEmpty && utf8.allSatisfy { $0.isHexadecimal || others.utf8.contains($0) }
    }

    /// Whether it is an address that needs no quoting anywhere.
    fileprivate var isPlainAddress: Bool {
        guard domain.isDomain else { return false }
        let (local, others) = (utf8.dropLast(domain.utf8.count + 1), ".-_+=")
        return !local.isEmpty && local.allSatisfy { $0.isLetterOrDigit || others.utf8.contains($0) }
    }
}
