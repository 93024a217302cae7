/// How much a pass is worth, since a record is published by whoever wants to pass.
public enum SPFGrade: String, Sendable, Hashable, CaseIterable {
    /// The domain names the client: by a network of usual size, an address or a mail exchanger, under names that are the
    /// same for everyone.
    case strong
    /// The domain's name server says for each client or sender whether it may.
    case dynamic
    /// The domain has no record, and the client is near to its host or its mail exchangers.
    case guess
    /// The domain names so many that it proves nothing: `all`, a wide network, or `ptr`.
    case open

    /// The widest network that is narrow enough, by its prefix length.
    static let widest = SPFRecord.PrefixLengths(ipv4: 14, ipv6: 32)

    /// The grade of a pass.
    ///
    /// - Parameter path: the includes and redirects on the way to the term that matched, and that term
    init(path: [SPFTerm], client: SPFAddress) {
        guard let matched = path.last else {
            preconditionFailure("a pass comes from a term that matched")
        }
        let isWide = matched.prefixLength.map { $0 < Self.widest.length(for: client) } ?? false
        switch matched.kind {
        case .all, .ptr: self = .open
        case .a, .mx, .ip4, .ip6: self = isWide ? .open : path.contains(where: \.isDynamic) ? .dynamic : .strong
        case .exists: self = .dynamic
        case .include, .redirect: preconditionFailure("an include or redirect leads to a term and decides nothing")
        }
    }
}
