import SPF
import SPFZones
import TestSupport

/// Somebody who sends mail: its hosts, its addresses, and what can be found out about it.
struct Sender {
    /// The kinds of senders.
    enum Kind: CaseIterable {
        /// One host without a name.
        case host
        /// Hosts in one network.
        case network
        /// Hosts in several networks, whose names prove the sender's domain.
        case named
        /// Hosts in several networks that have the names of a provider; the domain has no record.
        case provider
        /// Hosts in several networks without names, in the record of the domain.
        case record
        /// Likewise, with another sender address for each mail.
        case service
        /// Likewise, for a domain that unrelated senders share.
        case shared
        /// Hosts that forge the domain of somebody else: each try comes from another network.
        case bot
    }

    struct Host {
        let address: String
        /// Its confirmed name; nil where there is none.
        let name: String?
        /// Which network it is in.
        let network: Int
    }

    let number: Int
    let kind: Kind
    let domain: String
    let hosts: [Host]
    /// What the host's name says whose it is; nil where nothing does.
    let hostOrganisation: String?
    /// Whether something can prove that it sends for its domain.
    let isProvable: Bool
    /// Whether a proof needs the DNS.
    let needsDNS: Bool
    let isShared: Bool

    /// The domain that unrelated senders share.
    static let freemail = "freemail.net"

    /// - Parameter victim: the domain that a bot forges
    init(_ kind: Kind, number: Int, victim: String, using random: inout SeededRandom) {
        (self.number, self.kind) = (number, kind)
        domain = kind == .shared ? Self.freemail : kind == .bot ? victim : "d\(number).net"
        let networks: Int
        let size: Int
        switch kind {
        case .host: (networks, size) = (1, 1)
        case .network: (networks, size) = (1, 5)
        case .named, .provider, .record, .service, .shared:
            (networks, size) = (Int.random(in: 2...8, using: &random), 3)
        case .bot: (networks, size) = (12, 1)
        }
        hostOrganisation = kind == .named ? "d\(number).net" : kind == .provider ? "p\(number).org" : nil
        var hosts: [Host] = []
        for network in 0..<networks {
            for host in 0..<size {
                let place = number * 16 + network
                let address = "\(20 + place / 65_536).\(place / 256 % 256).\(place % 256).\(10 + host)"
                let name = hostOrganisation.map { "mail.h\(network)x\(host).\($0)" }
                hosts.append(Host(address: address, name: name, network: place))
            }
        }
        self.hosts = hosts
        isProvable = [.named, .record, .service, .shared].contains(kind)
        needsDNS = [.record, .service, .shared].contains(kind)
        isShared = kind == .shared
    }

    /// Whether it comes again until its mail is accepted.
    var isCompliant: Bool { kind != .bot }

    /// What the domain's record lists of its hosts.
    fileprivate var listed: String {
        Set(hosts.map(\.network)).sorted().compactMap { network in
            hosts.first { $0.network == network }.map { " ip4:\($0.address)/24" }
        }.joined()
    }
}

/// All who send to the site, and the DNS that tells of them.
struct Population {
    let senders: [Sender]
    let zone: Zone

    init(using random: inout SeededRandom) {
        var senders: [Sender] = []
        let kinds = Sender.Kind.allCases
        for number in 0..<64 {
            senders.append(
                Sender(kinds[number % kinds.count], number: number, victim: "d\(number - 3).net", using: &random))
        }
        self.senders = senders
        var records: [String: [Zone.Record]] = [:]
        var shared = ""
        for sender in senders {
            switch sender.kind {
            case .record, .service: records[sender.domain] = [.text("v=spf1\(sender.listed) -all")]
            case .shared: shared += sender.listed
            case .host, .network:
                if random.happens(500) { records[sender.domain] = [.text("v=spf1 ip4:192.0.2.0/24 -all")] }
            case .named, .provider, .bot: break
            }
        }
        records[Sender.freemail] = [.text("v=spf1 include:spf.\(Sender.freemail) -all")]
        records["spf.\(Sender.freemail)"] = [.text("v=spf1\(shared) ~all")]
        zone = Zone(records)
    }
}

/// Under what a triplet may be known, as whoever knows all of the sender would say it: not as the engine writes it.
struct TrueKey: Hashable {
    enum Kind: Hashable { case network, host, organisation }

    let kind: Kind
    /// The network, or the sender whose organisation it is.
    let owner: Int
    /// The sender's address; nil where it makes no difference.
    let address: String?
    let recipient: Int

    /// All under which an attempt may be known.
    static func all(of sender: Sender, from host: Sender.Host, address: String, to recipient: Int) -> [TrueKey] {
        var keys = [TrueKey(kind: .network, owner: host.network, address: address, recipient: recipient)]
        if sender.hostOrganisation != nil {
            keys.append(TrueKey(kind: .host, owner: sender.number, address: address, recipient: recipient))
        }
        if sender.isProvable {
            // All who share a domain are one organisation.
            let owner = sender.isShared ? -1 : sender.number
            keys.append(
                TrueKey(
                    kind: .organisation, owner: owner, address: sender.isShared ? address : nil, recipient: recipient))
        }
        return keys
    }
}
