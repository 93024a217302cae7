public import Engine
import Glibc
public import Greylist
public import Settings
public import Storage

/// What the settings say of how is decided: for the daemon, and for what is tried out without it.
extension PolicyEngine.Options {
    /// The options that the settings give.
    ///
    /// - Parameters:
    ///   - prefixes: what `nat64_prefixes` says
    ///   - digests: what `postgrey_digests` says
    ///   - keys: how keys of entries are made
    ///   - hasIdentityTable: whether there is a table of identities
    public init(
        _ service: Configuration.Service, _ prefixes: [NAT64Prefix], _ digests: PostgreyKeyForm?, _ keys: KeyScheme,
        hasIdentityTable: Bool
    ) {
        self.init(
            rules: Rules(service),
            masks: PrefixLengths(ipv4: service.ipv4Mask, ipv6: service.ipv6Mask, nat64Prefixes: prefixes),
            keys: keys, postgreyDigests: digests,
            autoWhitelistsAddresses: service.awlBy == .address,
            foldsRecipient: service.foldRecipient, identity: IdentityMethods(service.identity),
            carriesMessages: service.messageConsistency == .carry,
            fastLane: FastLaneRules(service, isUsable: hasIdentityTable), learns: service.learn,
            greylistsNullSender: service.greylistNullSender, greylistsAuthenticated: service.greylistAuthenticated,
            defersOnStoreError: service.onStoreError == .defer,
            defersAtPendingLimit: service.onMaxPending == .defer, observesOnly: service.mode == .observe)
    }
}

extension FastLaneRules {
    /// The rules that the settings give.
    ///
    /// - Parameter isUsable: whether there is a table of identities
    public init(_ service: Configuration.Service, isUsable: Bool) {
        let ages = IdentityAges(service)
        let lane: FastLane =
            switch service.fastLane {
            case .all: .all
            case .correspondents: .correspondents
            case .off: .off
            }
        self.init(
            lane: isUsable ? lane : .off, earnDays: UInt32(service.earnDays),
            earnRecipients: UInt32(service.earnRecipients), earnUsers: UInt32(service.earnUsers),
            earnedMaxAge: ages.earned, learnedMaxAge: ages.learned)
    }
}

extension IdentityMethods {
    /// What the setting stands for.
    public init(_ method: IdentityMethod) {
        switch method {
        case .spf: self = .spf
        case .name: self = .name
        case .off: self = .off
        }
    }
}

extension Wording.ParseError {
    /// The setting that is at fault, and the message.
    public var place: (key: String, fault: Template.ParseError) {
        switch self {
        case .text(let fault): ("service.grey_text", fault)
        case .header(let fault): ("service.grey_smtp_header", fault)
        }
    }
}

extension Wording {
    /// The words that the settings give.
    public init(_ service: Configuration.Service) throws(Wording.ParseError) {
        try self.init(
            action: service.greyAction, text: service.greyText, header: service.greySmtpHeader,
            hostname: service.greyHostname.isEmpty ? systemHostname() : service.greyHostname)
    }
}

/// The name of this host, as uname(2) has it.
public func systemHostname() -> String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let bytes = name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    return bytes.isEmpty ? "localhost" : String(decoding: bytes, as: UTF8.self)
}
