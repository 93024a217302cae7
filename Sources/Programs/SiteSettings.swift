public import Greylist
public import Settings

/// What the settings of a site say of the keys of its entries.
///
/// Two programs that have it in common make the same key of the same triplet.
public struct SiteSettings: Sendable, Equatable {
    /// How much of a client's address counts.
    public let masks: PrefixLengths
    /// Whether the auto-whitelist knows clients by their whole addresses.
    public let countsAddresses: Bool
    /// Whether keys know the recipient without its extension.
    public let foldsRecipient: Bool
    /// Whether keys are kept as digests.
    public let hashesKeys: Bool
    /// Whether digests of postgrey's are looked up.
    public let keepsPostgreyDigests: Bool
    private let postgreyDigests: String
    /// The site's own translators, as the settings have them.
    private let prefixes: [String]

    /// What these settings say.
    ///
    /// - Throws: where one of `nat64_prefixes` is malformed
    public init(_ service: Configuration.Service) throws(NAT64Prefix.ParseError) {
        var prefixes: [NAT64Prefix] = []
        for text in service.nat64Prefixes { prefixes.append(try NAT64Prefix(text)) }
        self.init(service, prefixes)
    }

    /// What these settings say, whose `nat64_prefixes` have been read.
    public init(_ service: Configuration.Service, _ prefixes: [NAT64Prefix]) {
        masks = PrefixLengths(ipv4: service.ipv4Mask, ipv6: service.ipv6Mask, nat64Prefixes: prefixes)
        countsAddresses = service.awlBy == .address
        foldsRecipient = service.foldRecipient
        hashesKeys = service.hashGreyDb
        keepsPostgreyDigests = !service.postgreyDigests.isEmpty
        postgreyDigests = service.postgreyDigests
        self.prefixes = service.nat64Prefixes.sorted()
    }
}

extension SiteSettings: CustomStringConvertible {
    /// The settings by name, always the same for the same ones.
    public var description: String {
        let prefixes = prefixes.joined(separator: ",")
        return
            "ipv4_mask \(masks.ipv4), ipv6_mask \(masks.ipv6), nat64_prefixes \(prefixes.isEmpty ? "none" : prefixes), "
            + "fold_recipient \(foldsRecipient ? "yes" : "no"), hash_grey_db \(hashesKeys ? "yes" : "no"), "
            + "postgrey_digests \(keepsPostgreyDigests ? postgreyDigests : "none"), "
            + "awl_by \(countsAddresses ? "address" : "network")"
    }
}
