import Greylist
import Whitelists

extension Condition {
    /// Why nobody should be let through by this unless it is meant: it would let through nearly everybody; nil where it
    /// is narrow enough.
    var tooWide: String? {
        switch self {
        case .client(let network):
            let shortest = network.address.family == .ipv4 ? 8 : 19
            return network.prefixLength < shortest ? "\(network) is wider than /\(shortest)" : nil
        case .clientName(let domain), .heloName(let domain), .senderDomain(let domain), .recipientDomain(let domain):
            return domain.isTopLevel ? "\(domain) is a top-level domain" : nil
        case .sender, .recipient: return nil
        case .pattern(let subject, let pattern):
            if pattern.matchesEmptyText { return "the regular expression matches the empty text" }
            return pattern.matches(all: subject.strangers) ? "the regular expression matches everything" : nil
        case .attribute(let name, let value):
            if value.isEmpty { return "\(name) may be missing from any request" }
            let isEverywhere = ["request=smtpd_access_policy", "protocol_state=rcpt"].contains(
                "\(name)=\(value.lowercased())")
            return isEverywhere ? "every request that is judged has that" : nil
        case .fact(let fact): return fact.tooWide
        case .all(let parts):
            let reasons = parts.map(\.tooWide)
            return reasons.contains(nil) ? nil : reasons[0]
        case .any(let parts): return parts.lazy.compactMap(\.tooWide).first
        case .not: return "it matches all but a few"
        }
    }
}

extension Condition.Fact {
    fileprivate var tooWide: String? {
        switch self {
        case .genericName: "most of the clients that greylisting is for have such a name"
        case .identity(let domain): domain.isTopLevel ? "\(domain) is a top-level domain" : nil
        case .proof(.spf), .spf: "anyone can publish a record for SPF"
        case .proof(.name): "anyone can give a host such a name"
        case .listed: nil
        }
    }
}

extension Condition {
    /// What is to be said of an identity that is below an organisation, and so is never proven; nil where there is none.
    func hiddenIdentity(among suffixes: PublicSuffixes) -> String? {
        guard !suffixes.isEmpty else { return nil }
        switch self {
        case .fact(.identity(let domain)):
            guard let organisation = suffixes.organisation(of: domain), organisation != domain else { return nil }
            return "\(domain) is a name of \(organisation): write that, unless it is a tenant there"
        case .all(let parts), .any(let parts): return parts.lazy.compactMap { $0.hiddenIdentity(among: suffixes) }.first
        case .not(let part): return part.hiddenIdentity(among: suffixes)
        default: return nil
        }
    }

    /// What is to be said of a domain under which anybody may register a name; nil where there is none.
    func publicSuffix(among suffixes: PublicSuffixes) -> String? {
        guard !suffixes.isEmpty else { return nil }
        switch self {
        case .clientName(let domain), .heloName(let domain), .senderDomain(let domain), .recipientDomain(let domain):
            guard !domain.isTopLevel, suffixes.contain(domain) else { return nil }
            return "\(domain) is a public suffix, and the names below it belong to many"
        case .all(let parts):
            let suffixes = parts.map { $0.publicSuffix(among: suffixes) }
            return suffixes.contains(nil) ? nil : suffixes[0]
        case .any(let parts): return parts.lazy.compactMap { $0.publicSuffix(among: suffixes) }.first
        default: return nil
        }
    }
}

extension Condition.Subject {
    /// Texts with little in common but what all of their kind have.
    fileprivate var strangers: [String] {
        switch self {
        case .clientName, .heloName: ["mx0.8fd.test", "unknown", "a-b.q.invalid"]
        case .sender, .recipient: ["q7.x@k3.example", "Zoe_1+t@a-b.invalid", "\"w w\"@[192.0.2.1]"]
        case .attribute: ["q7.x@k3.example", "TLSv1.3", "256", "w w"]
        }
    }
}

/// The public suffixes, such as `co.uk`, below which anybody may register a name.
///
/// They come from the list that Debian's package `publicsuffix` installs; without it none is known.
struct PublicSuffixes: Sendable {
    /// Where the package has the list.
    static let path = "/usr/share/publicsuffix/public_suffix_list.dat"
    /// The list has a third of a mebibyte.
    private static let limit = 8 << 20

    private var names: Set<String> = []
    /// What stands behind `*.`: each name directly below is a suffix.
    private var parents: Set<String> = []
    private var exceptions: Set<String> = []

    /// None.
    init() {}

    /// Those of the list, which has a rule a line (https://publicsuffix.org/list/).
    init(text: [UInt8]) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let rule = line.prefix { $0 > 0x20 }
            guard !rule.isEmpty, !rule.starts(with: Array("//".utf8)) else { continue }
            let name = String(decoding: rule, as: UTF8.self)
            if name.hasPrefix("*.") {
                parents.insert(String(name.dropFirst(2)))
            } else if name.hasPrefix("!") {
                exceptions.insert(String(name.dropFirst()))
            } else {
                names.insert(name)
            }
        }
    }

    /// Those that this machine knows; none where the list isn't there or can't be read.
    static func installed(through access: FileAccess) -> PublicSuffixes {
        let text = try? WhitelistFiles.contents(of: path, limit: limit, through: access)
        return text.map(PublicSuffixes.init) ?? PublicSuffixes()
    }

    /// Whether none is known.
    var isEmpty: Bool { names.isEmpty && parents.isEmpty }

    /// The suffix in a domain and one label more; the domain itself where it is a suffix.
    func organisation(of domain: Domain) -> Domain? {
        var (organisation, rest) = (domain, domain)
        while !contain(rest), !rest.isTopLevel {
            organisation = rest
            guard let parent = Domain(bytes: "\(rest)".utf8.drop { $0 != UInt8(ascii: ".") }) else { return nil }
            rest = parent
        }
        return organisation
    }

    /// Whether a domain is one.
    func contain(_ domain: Domain) -> Bool {
        domain.spellings.contains { name in
            if names.contains(name) { return true }
            guard let dot = name.firstIndex(of: ".") else { return false }
            return parents.contains(String(name[name.index(after: dot)...])) && !exceptions.contains(name)
        }
    }
}
