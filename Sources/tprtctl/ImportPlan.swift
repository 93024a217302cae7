import Glibc
import Greylist
import Import
import JSONText
import Programs
import Settings
import StoreURLs
import TrustedFiles
import WhitelistFiles
import Whitelists

/// What the arguments of an import mean; nothing is opened yet.
struct ImportPlan {
    /// Where the entries go.
    enum Target {
        /// Nowhere: they are counted.
        case none
        /// Into stores that are opened here; the second is nil where the auto-whitelist is off.
        case stores(greylist: StoreLocation, autoWhitelist: StoreLocation?)
    }

    let kind: ImportKind
    let sources: [String]
    let options: ImportOptions
    let sourceTable: String?
    let site: SiteSettings
    let rules: Rules
    let target: Target
    /// The control socket to try first; nil for none.
    let socket: String?
    /// Whether nothing but that socket will do.
    let isSocketNamed: Bool
    let keyPrefix: String
    /// Whether the keys of the auto-whitelist have a prefix of their own in Redis, also without a `key_prefix`.
    let separatesTables: Bool
    let whitelists: [String]
    let allowsPatterns: Bool
    let whitelistFile: String?

    init(_ command: ImportCommand, _ loaded: Configuration, state: StateDirectory) throws(ProgramError) {
        let (server, service) = (loaded.server, loaded.service)
        kind = command.kind
        sources = command.sources
        sourceTable = command.sourceTable
        whitelistFile = command.whitelistFile
        let keys = service.privacy == .keyed ? try SiteKeyFile.keys(of: loaded, in: state) : nil
        do throws(NAT64Prefix.ParseError) {
            site = try SiteSettings(service, keys)
        } catch {
            throw ProgramError(.configuration, "service.nat64_prefixes: \(error)")
        }
        rules = Rules(service)
        keyPrefix = service.keyPrefix
        whitelists = service.wlSources
        allowsPatterns = service.allowWlRegex
        var options = ImportOptions(now: WallClock.now(), utcOffset: Self.utcOffset(), delay: command.delay)
        options.postgreyMasks = PrefixLengths(ipv4: command.ipv4cidr, ipv6: command.ipv6cidr, nat64Prefixes: [])
        options.columnNames = (try? command.columnNames()) ?? [:]
        self.options = options
        separatesTables = command.to != nil || service.awlDb.isEmpty
        isSocketNamed = command.socket != nil
        guard !command.dryRun else {
            (target, socket) = (.none, nil)
            return
        }
        let name = command.to == nil ? "service.grey_db" : "--to"
        let greylist = try Self.location(command.to ?? service.greyDb, name, state)
        let besides =
            command.to != nil || service.awlDb.isEmpty
            ? greylist.autoWhitelistBeside : try Self.location(service.awlDb, "service.awl_db", state)
        target = .stores(greylist: greylist, autoWhitelist: service.awlClientCount > 0 ? besides : nil)
        let configured = server.controlSocket.isEmpty ? nil : server.controlSocket
        socket = command.to == nil ? command.socket ?? configured : nil
    }

    /// What is read, for messages.
    var name: String { sources.map { bareOrQuoted($0) }.joined(separator: ", ") }

    private static func location(
        _ url: String, _ name: String, _ state: StateDirectory
    ) throws(ProgramError) -> StoreLocation {
        let status: ExitStatus = name == "--to" ? .usage : .configuration
        do throws(StoreURLError) {
            return try StoreLocation(url: state.expand(url))
        } catch {
            throw ProgramError(status, "\(name): \(error)")
        }
    }

    /// How far local time is ahead of UTC, for times without a zone.
    static func utcOffset() -> Int64 {
        var (moment, local) = (time(nil), tm())
        localtime_r(&moment, &local)
        return Int64(local.tm_gmtoff)
    }
}

extension ImportPlan {
    /// Has root become the user whose the databases are, for good.
    ///
    /// - Returns: what is to be said beside a fault; nothing where the process stays who it is
    func becomeOwner() throws(ProgramError) -> [String] {
        guard case .stores(let greylist, let autoWhitelist) = target else { return [] }
        var owner: FileUser?
        for location in [greylist] + (autoWhitelist.map { [$0] } ?? []) {
            let other: FileUser?
            do throws(FileError) {
                other = try DatabaseOwner.of(location)
            } catch {
                throw ProgramError(.noPermission, error.description)
            }
            guard let other else { continue }
            if let owner, owner.user != other.user {
                throw ProgramError(
                    .noPermission,
                    "one database belongs to \(owner.name) and another to \(other.name): root opens only those of one user"
                )
            }
            owner = other
        }
        guard let owner else { return [] }
        guard owner.become() else {
            throw ProgramError(
                .noPermission,
                "the database belongs to \(owner.name), and root can't become that user: it needs CAP_SETUID and CAP_SETGID"
            )
        }
        return [
            "root became user \(owner.name), whose the database or its directory is, and has only that user's rights"
        ]
    }

    /// The whitelists of the site, for a look at what passes anyway; what can't be read is said.
    func screen() throws(ProgramError) -> WhitelistScreen {
        let sources: WhitelistSources
        do throws(WhitelistError) {
            sources = try WhitelistSources(
                urls: whitelists, options: SourceOptions(allowsPatterns: allowsPatterns)
            ) { (url) throws(WhitelistError) in
                try RemoteWhitelists.source(at: url) { _ in }
            }
        } catch {
            throw ProgramError(.configuration, "service.wl_sources: \(error)")
        }
        let reading = sources.read()
        for warning in reading.warnings { note("\(warning); going on without it") }
        return WhitelistScreen(reading.whitelist, nat64Prefixes: site.masks.nat64Prefixes, at: options.now)
    }

    /// Whether whitelists are read over a connection, which takes threads.
    var hasRemoteWhitelists: Bool { whitelists.contains { $0.prefix(5).lowercased() == "redis" } }
}
