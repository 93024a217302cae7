import SPF
import SPFZones
import TestSupport

/// A sender of the month: its hosts, the domain of its addresses, and what the DNS has of it.
struct LaneSender: Sendable {
    /// What proves the domain.
    enum Proof: Sendable {
        /// A record that lists the networks.
        case spf
        /// The names of the hosts.
        case name
        /// A record that has the domain's server asked about each host, which have names of another organisation.
        case dynamic
        case nothing
    }

    let hosts: SenderHosts
    let domain: String
    let records: [(name: String, record: Zone.Record)]

    /// A sender.
    ///
    /// - Parameters:
    ///   - networks: how many of each family
    ///   - size: how many hosts are in each
    init(
        _ domain: String, provenBy proof: Proof, networks: (ipv4: Int, ipv6: Int), of size: Int,
        using random: inout SeededRandom
    ) {
        self.domain = domain
        hosts = SenderHosts(
            networks: networks, of: size,
            named: { _, number in
                switch proof {
                case .name: "out-\(number).mail.\(domain)"
                case .dynamic: "out-\(number).mail.via-\(domain)"
                case .spf, .nothing: nil
                }
            }, using: &random)
        switch proof {
        case .spf: records = [(domain, .text("v=spf1\(hosts.listed) -all"))]
        case .dynamic:
            let found = Zone.Record.address(.ipv4(0x7f00_0002))
            let answers = hosts.all.map { ("\($0.address.macroText).spf.\(domain)", found) }
            records = [(domain, .text("v=spf1 exists:%{i}.spf.\(domain) -all"))] + answers
        case .name, .nothing: records = []
        }
    }

    /// Another sender that uses a mailing service, as a customer with a domain of its own.
    init(_ domain: String, customerOf service: LaneSender) {
        (self.domain, hosts) = (domain, service.hosts)
        records = [(domain, .text("v=spf1 include:\(service.domain) -all"))]
    }
}

extension SPFAddress {
    /// What `%{i}` becomes.
    fileprivate var macroText: String {
        switch self {
        case .ipv4: text
        case .ipv6(let value):
            stride(from: 124, through: 0, by: -4).map { String(value >> UInt128($0) & 0xf, radix: 16) }
                .joined(separator: ".")
        }
    }
}
