import SPF
import SPFZones
import TestSupport

/// A sender of the trace: its hosts, and what is true of them.
struct TracedSender: Sendable {
    let hosts: SenderHosts
    /// The domain of its addresses.
    let domain: String
    /// What the DNS has of it.
    let records: [(name: String, record: Zone.Record)]
    /// Whether its hosts have names that say whose they are.
    let isNamed: Bool
    /// Whether these names prove the domain of its addresses.
    let isProvenByName: Bool
    /// Whether the domain's record does.
    let isProvenBySPF: Bool

    /// A sender of a kind.
    ///
    /// - Parameter number: another one for each sender
    init(_ kind: SenderKind, number: Int, using random: inout SeededRandom) {
        let word = String(word: number)
        let provider = "provider\(word).example"
        let (isSomeNamed, isSomeListed, isSomeOwn) = (random.happens(80), random.happens(85), random.happens(50))
        // Half of the pools send as their provider, the others as a customer of it.
        var isOwn = isSomeOwn
        switch kind {
        case .host, .provenPool: isOwn = true
        case .network, .namedPool, .mixedPool, .service, .codes: break
        case .botOnce, .bots, .openRecord, .halves, .pointers, .genericNames: isOwn = false
        }
        let organisation = isOwn ? provider : "firm\(word).example"
        domain = kind == .service || kind == .codes ? "bounces.\(organisation)" : organisation
        switch kind {
        case .namedPool: (isNamed, isProvenBySPF) = (true, false)
        case .provenPool: (isNamed, isProvenBySPF) = (false, true)
        case .host, .network, .mixedPool, .service, .codes: (isNamed, isProvenBySPF) = (isSomeNamed, isSomeListed)
        case .botOnce, .bots, .openRecord, .halves, .pointers, .genericNames:
            (isNamed, isProvenBySPF) = (false, false)
        }
        isProvenByName = isNamed && isOwn
        let (networks, size) = kind.extent
        hosts = SenderHosts(
            networks: networks, of: size, named: kind.naming(by: provider, isNamed: isNamed, isOwn: isOwn),
            using: &random)
        records = kind.records(of: domain, provider: provider, hosts: hosts, isListed: isProvenBySPF)
    }
}

extension SenderKind {
    /// In how many networks its hosts are, and how many in each.
    fileprivate var extent: (networks: (ipv4: Int, ipv6: Int), size: Int) {
        switch self {
        case .host: ((1, 1), 1)
        case .network: ((1, 1), 60)
        case .namedPool, .provenPool, .mixedPool, .service, .codes: ((8, 4), 5)
        // No bot's network is that of another one.
        case .botOnce, .bots, .openRecord, .halves, .pointers, .genericNames: ((12, 4), 1)
        }
    }

    /// What its hosts are called.
    ///
    /// Only a provider's own mail comes from hosts with a word of a mail server: the others prove nothing of it.
    fileprivate func naming(by provider: String, isNamed: Bool, isOwn: Bool) -> SenderHosts.Naming {
        switch self {
        case .pointers, .genericNames:
            { address, number in
                if number % 2 == 0 { return "dsl-\(String(word: number)).\(provider)" }
                return switch address {
                case .ipv4: "host-\(String(address.text.map { $0 == "." ? "-" : $0 })).\(provider)"
                case .ipv6(let value): "h\(String(value, radix: 16)).\(provider)"
                }
            }
        case .host, .network, .namedPool, .provenPool, .mixedPool, .service, .codes, .botOnce, .bots, .openRecord,
            .halves:
            { _, number in
                guard isNamed else { return nil }
                let word = String(word: number)
                return isOwn ? "out-\(word).mail.\(provider)" : "node\(word).\(provider)"
            }
        }
    }

    /// What the DNS has of a sender.
    fileprivate func records(
        of domain: String, provider: String, hosts: SenderHosts, isListed: Bool
    ) -> [(name: String, record: Zone.Record)] {
        switch self {
        case .host, .network, .namedPool, .provenPool, .mixedPool:
            return isListed ? [(domain, .text("v=spf1\(hosts.listed) -all"))] : []
        case .service, .codes:
            guard isListed else { return [] }
            let included = "spf.\(provider)"
            return [
                (domain, .text("v=spf1 include:\(included) -all")),
                (included, .text("v=spf1\(hosts.listed) ~all")),
            ]
        // The domain is a stranger's, who sends from elsewhere.
        case .botOnce, .bots, .genericNames: return [(domain, .text("v=spf1 ip4:192.0.2.0/24 -all"))]
        case .openRecord: return [(domain, .text("v=spf1 +all"))]
        case .halves:
            let halves = "ip4:0.0.0.0/1 ip4:128.0.0.0/1 ip6:::/1 ip6:8000::/1"
            return [(domain, .text("v=spf1 \(halves) -all"))]
        case .pointers:
            var records: [(name: String, record: Zone.Record)] = [(domain, .text("v=spf1 ptr:\(provider) -all"))]
            for host in hosts.all {
                guard let name = host.name else { continue }
                records += [(host.address.reverseName, .pointer(name)), (name, .address(host.address))]
            }
            return records
        }
    }
}
