import Domains
import NIOConcurrencyHelpers
import Resolver
import Settings
import WhitelistFiles

/// The files from which the daemon knows who a client is: the public suffix list, the shared identities, and whom to ask.
///
/// A file that can't be read, or has lost more than half of its entries, keeps what its last good reading said.
final class IdentitySources: Sendable {
    /// What a reading brought.
    struct Reading: Sendable {
        let organisations: Organisations
        let resolver: ResolverOptions
        /// What is wrong, a sentence each; none of it keeps the rest from being used.
        let warnings: [String]
    }

    private struct State: Sendable {
        var suffixes = PublicSuffixList.builtIn()
        var files: [String: SharedIdentityFile] = [:]
        var servers: [DNSServer]?
        var whenRead: [FileStamp] = []
        var before: [FileStamp] = []
    }

    private let method: IdentityMethod
    private let suffixList: String
    private let paths: [String]
    private let resolvConf: String
    private let servers: [DNSServer]
    private let timeout: Duration
    private let state: NIOLockedValueBox<State>

    /// The files that the settings name.
    ///
    /// - Parameter former: those that these take the place of; what is in both keeps its last good reading
    init(_ service: Configuration.Service, after former: IdentitySources? = nil) throws(DNSServerError) {
        method = service.identity
        suffixList = service.publicSuffixList
        paths = service.sharedIdentityFiles
        resolvConf = service.dnsResolvConf
        var servers: [DNSServer] = []
        for text in service.dnsServers { servers.append(try DNSServer(text)) }
        self.servers = servers
        timeout = service.dnsTimeout
        state = NIOLockedValueBox(former?.state.withLockedValue { $0 } ?? State())
    }

    /// What is read, so that it can be reached from a chroot.
    var locations: [String] {
        let lists = method == .off ? [] : [suffixList] + paths
        return lists + (asksSystemServers ? [resolvConf] : [])
    }

    /// When the public suffix list was changed, as it was at the last reading; nil where there was no file.
    var suffixListTimes: ListTimes? { times { $0 == suffixList } }

    /// When the lists of shared identities were changed; likewise.
    var sharedIdentityTimes: ListTimes? { times { paths.contains($0) } }

    private func times(of isMeant: (String) -> Bool) -> ListTimes? {
        ListTimes(state.withLockedValue { $0.whenRead }.filter { isMeant($0.path) })
    }

    private var asksSystemServers: Bool { method != .off && servers.isEmpty }

    /// Reads all files again.
    ///
    /// Blocks while it reads.
    ///
    /// - Parameter acceptsShrunk: whether files that have lost more than half of their entries are taken as they are
    func read(acceptingShrunk acceptsShrunk: Bool = false, through access: FileAccess = .direct) -> Reading {
        // Before the reading: what changes meanwhile is noticed at the next look.
        let stamps = stamps(through: access)
        var (state, warnings) = (state.withLockedValue { $0 }, [String]())
        state.whenRead = stamps
        if method != .off { readLists(into: &state, &warnings, acceptsShrunk, access) }
        if asksSystemServers { readServers(into: &state, &warnings, access) }
        let shared = SharedIdentities(paths.compactMap { state.files[$0] })
        if method != .off { warnings += shared.faults + shared.remarks(by: state.suffixes) }
        self.state.withLockedValue { $0 = state }
        return Reading(
            organisations: Organisations(suffixes: state.suffixes, shared: shared),
            resolver: ResolverOptions(
                servers: servers.isEmpty ? state.servers ?? ResolvConf.servers(in: []) : servers, timeout: timeout),
            warnings: warnings)
    }

    /// Whether files are other ones than those that were read, and have been so at the look before, too: what is just
    /// being written is left alone.
    ///
    /// Blocks while it looks at the files.
    func haveChanged(through access: FileAccess = .direct) -> Bool {
        let now = stamps(through: access)
        return state.withLockedValue { state in
            defer { state.before = now }
            return now != state.whenRead && now == state.before
        }
    }

    /// Whether files are other ones than those that were read.
    ///
    /// Blocks while it looks at the files.
    func areOutdated(through access: FileAccess = .direct) -> Bool {
        let now = stamps(through: access)
        return state.withLockedValue { now != $0.whenRead }
    }

    private func stamps(through access: FileAccess) -> [FileStamp] {
        locations.map { FileStamp(path: $0, through: access) }
    }

    private func readLists(
        into state: inout State, _ warnings: inout [String], _ acceptsShrunk: Bool, _ access: FileAccess
    ) {
        let text = try? contents(of: suffixList, limit: PublicSuffixList.sizeLimit, through: access)
        switch state.suffixes.reloaded(from: text, path: suffixList, acceptingShrunk: acceptsShrunk) {
        case .replaced(let list): state.suffixes = list
        case .kept(let message): warnings.append(message)
        }
        for path in paths {
            let former = state.files[path] ?? SharedIdentityFile(path: path)
            let text = try? contents(of: path, limit: SharedIdentityFile.sizeLimit, through: access)
            // One that was never there need not be.
            if text == nil, former.count == 0, access.status(path) == nil { continue }
            switch former.reloaded(from: text, acceptingShrunk: acceptsShrunk) {
            case .replaced(let file): state.files[path] = file
            case .kept(let message): warnings.append(message)
            }
        }
        if paths.allSatisfy({ state.files[$0] == nil }) {
            warnings.append(
                "no shared identities are known (service.shared_identities): all users of a mail service count as one "
                    + "sender, so one of them who has passed lets the others pass to the same recipient")
        }
    }

    private func readServers(into state: inout State, _ warnings: inout [String], _ access: FileAccess) {
        do throws(FileReadError) {
            state.servers = ResolvConf.servers(
                in: try contents(of: resolvConf, limit: ResolvConf.sizeLimit, through: access))
        } catch {
            let servers = state.servers ?? ResolvConf.servers(in: [])
            warnings.append(
                "service.dns_resolv_conf: \(resolvConf): \(error); asking "
                    + "\(servers.map(\.description).joined(separator: ", "))")
        }
    }
}
