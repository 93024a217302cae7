import Glibc
import Programs
import Settings
import Storage
import StoreURLs
import SystemPackage
import TrustedFiles

/// What the process becomes: checked, nothing done yet.
struct ProcessPlan: Equatable {
    /// Whom to become; nil to stay who it is.
    let identity: Identity?
    /// Where to shut itself in; only with an identity to become.
    let chroot: Chroot?
    /// The file for the number of the process; nil for none.
    let pidFile: String?
    /// Whether to go to the background.
    let daemonizes: Bool

    /// What the settings mean for a process that was started by `starter`.
    ///
    /// - Parameters:
    ///   - allowsRoot: whether it may stay root
    ///   - accounts: users and groups
    /// - Throws: everything that is wrong, a line each
    init(
        _ loaded: LoadedConfiguration, by starter: Starter, allowsRoot: Bool, accounts: Accounts = .system
    ) throws(ProgramError) {
        let server = loaded.configuration.server
        var faults = Errors(loaded: loaded)
        let wanted = faults.identity(server, accounts)
        faults.judge(wanted, server, by: starter, allowsRoot: allowsRoot)
        identity = wanted.flatMap { starter.isRoot && $0.uid != 0 ? $0 : nil }
        chroot = server.chroot ? faults.chroot(server, identity, by: starter) : nil
        pidFile = server.pidFilePath.isEmpty ? nil : server.pidFilePath
        if let pidFile, !pidFile.hasPrefix("/") {
            faults.report("server.pid_file_path", "\"\(pidFile)\" is not an absolute path: begin it with /")
        }
        daemonizes = server.daemonize
        if let failure = faults.failure { throw failure }
    }

    /// The environment as the process is to see it: the home directory is that of whom it becomes.
    func environment(_ environment: [String: String]) -> [String: String] {
        guard let identity else { return environment }
        var environment = environment
        environment["XDG_STATE_HOME"] = nil
        environment["HOME"] = identity.home
        return environment
    }

    /// A sentence for each database and unix socket of Redis that couldn't be opened again inside the chroot.
    func unreachable(_ loaded: LoadedConfiguration, _ plan: Plan) -> [String] {
        guard let chroot else { return [] }
        let places =
            [("service.grey_db", plan.greylist.path)]
            + plan.otherDatabases.map { ($0.key, $0.location.path) }
            + loaded.configuration.service.wlSources.map { ("service.wl_sources", (try? StoreLocation(url: $0))?.path) }
        return places.compactMap { key, path in
            guard let path, !chroot.contains(path) else { return nil }
            return "\(loaded.origin(of: key)): \(key): \(path) can't be reached in the chroot: "
                + "put it beneath server.chroot_dir, \(chroot.path)"
        }
    }
}

/// What is wrong with the settings of the process.
private struct Errors {
    let loaded: LoadedConfiguration
    /// What is wrong whoever starts it.
    private var lines: [String] = []
    /// What would be right if somebody else started it.
    private var denials: [String] = []

    init(loaded: LoadedConfiguration) {
        self.loaded = loaded
    }

    var failure: ProgramError? {
        if lines.isEmpty, denials.isEmpty { return nil }
        return ProgramError(lines.isEmpty ? .noPermission : .configuration, lines + denials)
    }

    mutating func report(_ key: String, _ message: String) {
        lines.append("\(loaded.origin(of: key)): \(key): \(message)")
    }

    private mutating func deny(_ key: String, _ message: String) {
        denials.append("\(loaded.origin(of: key)): \(key): \(message)")
    }

    /// The user that is named, with the group that is; nil where none is, or there is no such one.
    mutating func identity(_ server: Configuration.Server, _ accounts: Accounts) -> Identity? {
        let user = server.user.isEmpty ? nil : accounts.user(server.user)
        if user == nil, !server.user.isEmpty {
            report("server.user", "unknown user \"\(server.user)\": create it, or name another")
        }
        let group = server.group.isEmpty ? nil : accounts.group(server.group)
        if group == nil, !server.group.isEmpty {
            report("server.group", "unknown group \"\(server.group)\": create it, or name another")
        } else if group != nil, server.user.isEmpty {
            report("server.group", "a group is changed only together with the user: set server.user, too")
        }
        return user.map { Identity(user: $0.user, uid: $0.uid, gid: group ?? $0.gid, home: $0.home) }
    }

    /// Whether whoever starts it may become, or stay, who it is to be.
    mutating func judge(
        _ wanted: Identity?, _ server: Configuration.Server, by starter: Starter, allowsRoot: Bool
    ) {
        if starter.isRoot {
            guard !allowsRoot else { return }
            if server.user.isEmpty {
                report(
                    "server.user", "it would run as root: name an unprivileged user, or start it with --allow-root")
            } else if wanted?.uid == 0 {
                report(
                    "server.user", "\(server.user) is root: name an unprivileged user, or start it with --allow-root")
            }
        } else if let wanted, (wanted.uid, wanted.gid) != (starter.uid, starter.gid) {
            deny(
                "server.user",
                "only root can become \(wanted.user) with its group: "
                    + "start it as root, or as that user")
        }
    }

    /// The directory to shut itself in; nil where something is wrong with it, which is reported.
    mutating func chroot(
        _ server: Configuration.Server, _ identity: Identity?, by starter: Starter
    ) -> Chroot? {
        guard !server.user.isEmpty, identity != nil || !starter.isRoot else {
            report("server.chroot", "a chroot needs dropped privileges: set server.user to an unprivileged user")
            return nil
        }
        // Without an identity whoever starts it isn't root.
        guard let identity else {
            deny("server.chroot", "only root can make a chroot: start it as root")
            return nil
        }
        let isHome = server.chrootDir.isEmpty
        let path = isHome ? identity.home : server.chrootDir
        let (key, subject) = isHome ? ("server.chroot", "the home of \(identity.user), ") : ("server.chroot_dir", "")
        guard let chroot = Chroot(path: path) else {
            report(key, "\(subject)\"\(path)\" is not an absolute path of a directory below /: set server.chroot_dir")
            return nil
        }
        guard (try? Stat(chroot.path))?.type == .directory else {
            report(key, "\(subject)\(chroot.path): directory does not exist: create it, or set server.chroot_dir")
            return nil
        }
        return chroot
    }
}

extension SettingSources {
    /// Refuses configuration files that another user than root can change, where root is to do what they say.
    ///
    /// They name the files that root makes and opens, and whom it becomes.
    func refuseFilesOfOthers() throws(ProgramError) {
        guard geteuid() == 0 else { return }
        for file in files {
            do throws(FileError) {
                let reach = try FileReach(file)
                let place = try FilePlace(reach)
                let others = reach.user.map { "\($0.name) may change it" }
                let owner = place.owner == 0 ? nil : "it belongs to \(FileUser.name(of: place.owner))"
                let mode = place.isWritableByOthers ? "others than root may write to it" : nil
                guard let message = others ?? owner ?? mode else { continue }
                throw FileError(file, EPERM, message: message)
            } catch {
                throw ProgramError(
                    .noPermission,
                    "\(file): \(error.message), and root would do what it says: give it and its directory to root "
                        + "(chown root, chmod go-w)")
            }
        }
    }
}
