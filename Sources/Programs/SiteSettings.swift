public import Greylist
public import Settings
public import Storage

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
    /// How keys are made.
    public let keys: KeyScheme
    /// Whether digests of postgrey's are looked up.
    public let keepsPostgreyDigests: Bool
    private let postgreyDigests: String
    private let hashesPlainKeys: Bool
    /// The site's own translators, as the settings have them.
    private let prefixes: [String]

    /// What these settings say.
    ///
    /// - Parameter keys: those of the site, where the settings need some
    /// - Throws: where one of `nat64_prefixes` is malformed
    public init(_ service: Configuration.Service, _ keys: SiteKeys?) throws(NAT64Prefix.ParseError) {
        var prefixes: [NAT64Prefix] = []
        for text in service.nat64Prefixes { prefixes.append(try NAT64Prefix(text)) }
        self.init(service, prefixes, KeyScheme(service, keys))
    }

    /// What these settings say, whose `nat64_prefixes` have been read.
    public init(_ service: Configuration.Service, _ prefixes: [NAT64Prefix], _ keys: KeyScheme) {
        masks = PrefixLengths(ipv4: service.ipv4Mask, ipv6: service.ipv6Mask, nat64Prefixes: prefixes)
        countsAddresses = service.awlBy == .address
        foldsRecipient = service.foldRecipient
        self.keys = keys
        hashesPlainKeys = service.hashGreyDb
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
            + "fold_recipient \(foldsRecipient ? "yes" : "no"), hash_grey_db \(hashesPlainKeys ? "yes" : "no"), "
            + "postgrey_digests \(keepsPostgreyDigests ? postgreyDigests : "none"), "
            + "awl_by \(countsAddresses ? "address" : "network")" + keys.words
    }
}

extension KeyScheme {
    /// What is said of it behind the settings, where there is more to say: by which key, but not the key.
    fileprivate var words: String {
        guard case .keyed(let ring) = self else { return "" }
        return ", privacy keyed (key \(ring.keys.current.mark))"
    }
}
