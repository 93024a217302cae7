import Engine
import FileStorage
import Glibc
import Greylist
import History
import JSONText
import LogOutput
import NIOCore
import Programs
import Server
import Settings
import Storage
import StoreURLs
import WhitelistFiles

/// What the settings mean on this machine: everything is checked, nothing is opened yet.
struct Plan {
    let greylist: StoreLocation
    let autoWhitelist: StoreLocation
    /// Where the table of identities is, as long as there is one (`hasIdentityTable`).
    let identityDatabase: StoreLocation
    /// Whether the table of identities may be used.
    ///
    /// TPRT 0.9.3 on the same Redis removes from its databases whatever looks old to it, and only a `key_prefix` says that it
    /// has none there.
    let identityTableIsUsable: Bool
    /// What the ledger of identities goes by.
    var ledger: IdentityLedger.Options
    /// How long what the table of identities has is kept.
    let identityAges: IdentityAges
    let keyPrefix: String
    /// Whether the keys of the auto-whitelist have a prefix of their own in Redis, also where there is no `key_prefix`.
    let separatesTables: Bool
    /// Where the auto-whitelist was before it went with the greylist; nil where nothing is to be missed.
    let formerAutoWhitelist: String?
    /// After what time a decision is on disk; nil: before its reply.
    let syncInterval: Duration?
    /// Which boot this is; nil where that is unknown.
    let boot: BootID?
    /// The directory to make; nil where no database is in it.
    let stateDirectory: StateDirectory?
    let listeners: [ListenAddress]
    let backlog: Int
    let takesOverStale: Bool
    var engine: PolicyEngine
    let options: ServerOptions
    let log: LogPlan
    /// How much of addresses is logged.
    var logAddresses: LoggedAddresses
    /// The file with the keys of the site; nil where nothing is made under them.
    let siteKeyFile: SiteKeyFile?
    let whitelists: WhitelistSources
    let identity: IdentitySources
    let watchesWhitelists: Bool
    let remoteWatchInterval: Duration
    let maintenance: Maintenance.Options
    /// What entries must fit that tprtctl imports.
    var imports: StoreImport.Options
    /// What is allowed in the settings and yet hardly meant, a sentence each.
    var warnings: [String] { hints + (warningOfExposedIdentities.map { [$0] } ?? []) }
    var hints: [String]
    /// Where tprtctl finds the daemon; nil for nowhere.
    let controlSocket: ListenAddress?
    /// Where metrics and the page are served; nil for nowhere.
    let web: WebPlan?
    /// Where the history is, and how much of it is kept; nil where none is.
    var history: HistoryOptions?
    /// What the keys of entries are made by, beside the keys of the site.
    let service: Configuration.Service
    let nat64Prefixes: [NAT64Prefix]
    /// The keys of the site, once they are read.
    var siteKeys: SiteKeys?

    /// What these settings mean.
    ///
    /// - Parameter former: the plan that this one takes the place of
    init(
        _ loaded: LoadedConfiguration, environment: [String: String], after former: Plan? = nil
    ) throws(PlanErrors) {
        var faults = PlanErrors(lines: UnsupportedSettings.messages(loaded))
        let (server, service) = (loaded.configuration.server, loaded.configuration.service)
        func attempt<Value>(_ key: String, _ make: () throws -> Value) -> Value? {
            do {
                return try make()
            } catch {
                faults.lines.append("\(loaded.origin(of: key)): \(key): \(error)")
                return nil
            }
        }
        let state = StateDirectory(environment: environment)
        let greylist = attempt("service.grey_db") { try StoreLocation(url: state.expand(service.greyDb)) }
        let autoWhitelist =
            service.awlDb.isEmpty
            ? greylist?.autoWhitelistBeside
            : attempt("service.awl_db") { try StoreLocation(url: state.expand(service.awlDb)) }
        let identityDatabase =
            service.identityDb.isEmpty
            ? greylist?.identitiesBeside
            : attempt("service.identity_db") { try StoreLocation(url: state.expand(service.identityDb)) }
        let more = attempt("server.listen") {
            try server.listen.map {
                try ListenAddress($0, mode: UInt16(server.socketMode.bits), group: server.socketGroup)
            }
        }
        let whitelists = attempt("service.wl_sources") {
            try WhitelistSources(
                urls: service.wlSources, options: SourceOptions(allowsPatterns: service.allowWlRegex),
                after: former?.whitelists
            ) { (url) throws(WhitelistError) in
                // What is wrong with the server is said of the reading.
                try RemoteWhitelists.source(at: url) { _ in }
            }
        }
        var wording: Wording?
        do throws(Wording.ParseError) {
            wording = try Wording(service)
        } catch {
            let (key, fault) = error.place
            faults.lines.append("\(loaded.origin(of: key)): \(key): \(fault)")
        }
        let localDomains = attempt("service.local_domains") { try service.localDomains.map { try LocalDomain($0) } }
        let prefixes = attempt("service.nat64_prefixes") { try service.nat64Prefixes.map { try NAT64Prefix($0) } }
        let identity = attempt("service.dns_servers") { try IdentitySources(service, after: former?.identity) }
        let digests = attempt("service.postgrey_digests") { try PostgreyKeyForm.parse(service.postgreyDigests) }
        let web = attempt("server.http_listen") { try WebPlan(server) }
        let log = LogPlan(loaded, environment: environment, faults: &faults.lines)
        let siteKeyFile = SiteKeyFile(loaded.configuration, in: state)
        if let siteKeyFile, !siteKeyFile.path.hasPrefix("/") {
            faults.lines.append(
                "\(loaded.origin(of: "service.privacy_key")): service.privacy_key: \"\(siteKeyFile.path)\" is not an "
                    + "absolute path: begin it with /")
        }
        if service.awlClientCount > 0, case .gdbm? = greylist, greylist == autoWhitelist {
            faults.lines.append(
                "\(loaded.origin(of: "service.awl_db")): service.awl_db: a GNU dbm file holds one table: "
                    + "give the auto-whitelist a file of its own")
        }
        let others = [greylist, service.awlClientCount > 0 ? autoWhitelist : nil]
        if service.identity != .off, case .gdbm? = identityDatabase, others.contains(identityDatabase) {
            faults.lines.append(
                "\(loaded.origin(of: "service.identity_db")): service.identity_db: a GNU dbm file holds one table: "
                    + "give identities a file of their own")
        }
        guard faults.lines.isEmpty, let greylist, let autoWhitelist, let identityDatabase, let more, let whitelists,
            let wording, let log, let localDomains, let prefixes, let digests, let identity, let web
        else {
            throw faults
        }

        self.greylist = greylist
        self.autoWhitelist = autoWhitelist
        self.identityDatabase = identityDatabase
        identityAges = IdentityAges(service)
        self.whitelists = whitelists
        self.identity = identity
        watchesWhitelists = service.wlWatch
        remoteWatchInterval = service.wlRedisInterval
        keyPrefix = service.keyPrefix
        separatesTables = service.awlDb.isEmpty
        formerAutoWhitelist = service.awlDb.isEmpty && service.awlClientCount > 0 ? "\(state.path)/tprt.lmdb" : nil
        syncInterval = service.durability == .interval ? service.syncInterval : nil
        boot = BootID.current(environment: environment)
        self.siteKeyFile = siteKeyFile
        self.service = service
        nat64Prefixes = prefixes
        let databases =
            [service.greyDb] + (siteKeyFile == nil ? [] : [service.privacyKey])
            + (service.awlClientCount > 0 ? [service.awlDb] : [])
            + (service.identity != .off ? [service.identityDb] : []) + [service.historyDb]
        stateDirectory = databases.contains { $0.contains("{state_dir}") } ? state : nil
        listeners = [ListenAddress(server)] + more
        backlog = server.listenQueueSize
        takesOverStale = server.reuseSocket
        let exposesIdentities =
            service.keyPrefix.isEmpty
            && (identityDatabase.isSameRedis(as: greylist)
                || service.awlClientCount > 0 && identityDatabase.isSameRedis(as: autoWhitelist))
        identityTableIsUsable = service.identity != .off && !exposesIdentities
        // Until it is given the keys of the site.
        let keys: KeyScheme = service.hashGreyDb ? .hashed : .plain
        engine = PolicyEngine(
            options: PolicyEngine.Options(service, prefixes, digests, keys, hasIdentityTable: identityTableIsUsable),
            wording: wording)
        ledger = IdentityLedger.Options(service, localDomains, engine.options)
        options = ServerOptions(loaded.configuration, hasFastLane: engine.options.fastLane.lane != .off)
        maintenance = Maintenance.Options(
            tables: (service.greyDbMaintenanceDisable ? [] : [.greylist])
                + (service.awlDbMaintenanceDisable || service.awlClientCount == 0 ? [] : [.autoWhitelist]),
            rules: engine.options.rules, interval: service.maintenanceInterval)
        imports = StoreImport.Options(
            site: SiteSettings(service, prefixes, keys).description, rules: engine.options.rules,
            tables: service.awlClientCount > 0 ? [.greylist, .autoWhitelist] : [.greylist])
        self.web = web
        history =
            service.historyDb.isEmpty
            ? nil : HistoryOptions(service, path: state.expand(service.historyDb), masks: engine.options.masks)
        controlSocket =
            server.controlSocket.isEmpty ? nil : .unix(path: server.controlSocket, mode: 0o660, group: "")
        self.log = log
        logAddresses = loaded.configuration.log.logAddresses == .full ? .full : .domain
        hints = loaded.warnings + loaded.hints()
    }
}

/// What is wrong with the settings, a sentence each.
struct PlanErrors: Error {
    var lines: [String]
}

extension ListenAddress {
    /// The first listener, which the original's settings describe.
    fileprivate init(_ server: Configuration.Server) {
        switch server.socketType {
        case .unix:
            self = .unix(path: server.socketPath, mode: UInt16(server.socketMode.bits), group: server.socketGroup)
        case .inet:
            self = .inet(host: server.socketListenHost, port: server.socketListenPort)
        }
    }
}

extension HistoryOptions {
    fileprivate init(_ service: Configuration.Service, path: String, masks: PrefixLengths) {
        let addresses: KeptAddresses =
            switch service.historyAddresses {
            case .full: .full
            case .domain: .domain
            case .hashed: .hashed
            }
        self.init(
            path: path, maxAge: service.historyMaxAge.components.seconds, maxSize: service.historyMaxSize.bytes,
            addresses: addresses, masks: masks, foldsRecipient: service.foldRecipient)
    }
}

extension IdentityLedger.Options {
    fileprivate init(_ service: Configuration.Service, _ localDomains: [LocalDomain], _ engine: PolicyEngine.Options) {
        self.init(
            lane: engine.fastLane, rules: engine.rules, keys: engine.keys,
            bounds: IdentityUpdate.Bounds(perUser: service.learnPerUser, perSite: service.learnPerSite),
            maxOrganisations: service.maxIdentities,
            localDomains: Set(localDomains.map(\.name)),
            interval: service.maintenanceInterval)
    }
}

/// One of the site's own domains.
private struct LocalDomain {
    /// Why it is none.
    struct ParseError: Error, CustomStringConvertible {
        let description: String
    }

    /// In lower case, without a final dot.
    let name: [UInt8]

    init(_ text: String) throws(ParseError) {
        name = Array((text.hasSuffix(".") ? text.dropLast() : text[...]).lowercased().utf8)
        let isName = name.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"@*/:,\"<>[]".utf8.contains($0) }
        guard !name.isEmpty, name.count <= 253, isName, name.first != UInt8(ascii: ".") else {
            throw ParseError(description: "\(shortened(text)) is not a domain: write it as it stands behind the @")
        }
    }
}

extension ServerOptions {
    fileprivate init(_ configuration: Configuration, hasFastLane: Bool) {
        let (server, service) = (configuration.server, configuration.service)
        // A new sender may need the store twice, and in between the DNS and, for half as long, the table of identities.
        let budget = min(service.dnsBudget, server.requestDeadline / 2)
        let asksDNS = service.identity == .spf
        let halves = hasFastLane ? 5 : asksDNS ? 4 : 2
        let steps = (asksDNS ? server.requestDeadline - budget : server.requestDeadline) * 2 / halves
        self.init(
            threads: server.threads, maxConnections: server.maxConnections,
            requestDeadline: TimeAmount(min(steps, service.storeDeadline)), dnsBudget: TimeAmount(budget),
            hasFallback: service.storeFallback == .memory, idleTimeout: TimeAmount(server.idleTimeout),
            closesAfterReply: server.closeAfterReply, now: WallClock.now)
    }
}

/// Settings whose values this version can't honour.
///
/// To go on without would promise what isn't kept, so the start is refused.
enum UnsupportedSettings {
    /// A sentence for each value that can't be honoured.
    static func messages(_ loaded: LoadedConfiguration) -> [String] {
        let (log, server) = (loaded.configuration.log, loaded.configuration.server)
        let checks: [(isRefused: Bool, key: String, message: String)] = [
            (
                log.logType == .fromConfig, "log.log_type",
                "a Python logging dictionary can't be used: set log_type to stderr, file, syslog or journald, and log_level"
            ),
            (
                log.config != Configuration.Log().config, "log.config",
                "a Python logging dictionary can't be used: set log_type and log_level instead"
            ),
            (
                server.daemonize && [.stderr, .stdout].contains(log.logType), "server.daemonize",
                "a daemon in the background has no \(log.logType.rawValue): set log_type to syslog, file, journald or none"
            ),
        ]
        return checks.filter(\.isRefused).map { check in
            "\(loaded.origin(of: check.key)): \(check.key): \(check.message)"
        }
    }
}
