import CProcess
import Glibc
import Programs
import Server
import TrustedFiles

/// The way from root to an unprivileged user, which is a way of no return.
///
/// To be gone while there is one thread only. glibc would change all others, too, but then nothing has to rely on it.
enum Privileges {
    /// Takes over the supplementary groups; /etc/group must be there to read, and so it comes before a chroot.
    static func takeGroups(of identity: Identity) throws(ProgramError) {
        guard initgroups(identity.user, identity.gid) == 0 else { throw failure("initgroups", identity, errno) }
        guard hasGroups(of: identity) else { throw failure("getgroups", identity, EPERM) }
    }

    /// Whether the supplementary groups are those that group(5) gives the user, and none of root's.
    private static func hasGroups(of identity: Identity) -> Bool {
        let limit: CInt = 65_536
        var (given, held) = ([gid_t](repeating: 0, count: Int(limit)), [gid_t](repeating: 0, count: Int(limit)))
        var givenCount = limit
        guard getgrouplist(identity.user, identity.gid, &given, &givenCount) >= 0 else { return false }
        let heldCount = getgroups(limit, &held)
        return heldCount >= 0 && Set(held[..<Int(heldCount)]) == Set(given[..<Int(givenCount)])
    }

    /// Becomes the user for good: real, effective and saved ids, and no program that is executed brings more back.
    ///
    /// - Throws: where any step fails, or root could be had back
    static func drop(to identity: Identity) throws(ProgramError) {
        guard tprt_forbid_new_privileges() == 0 else { throw failure("no new privileges", identity, errno) }
        guard setgid(identity.gid) == 0 else { throw failure("setgid", identity, errno) }
        guard setuid(identity.uid) == 0 else { throw failure("setuid", identity, errno) }
        guard isDropped(to: identity) else {
            throw ProgramError(
                .noPermission, "server.user: root could be had back after becoming \(identity.user): not going on")
        }
    }

    /// Whether this process is that user and nobody else, and can't become root.
    private static func isDropped(to identity: Identity) -> Bool {
        guard getuid() == identity.uid, geteuid() == identity.uid, getgid() == identity.gid, getegid() == identity.gid
        else { return false }
        // The saved ids show only by an attempt.
        if setuid(0) == 0 || seteuid(0) == 0 { return false }
        if identity.gid != 0, setgid(0) == 0 || setegid(0) == 0 { return false }
        return true
    }

    private static func failure(_ step: String, _ identity: Identity, _ code: CInt) -> ProgramError {
        let answer = String(cString: strerror(code))
        return ProgramError(
            .noPermission,
            "server.user: can't become \(identity.user) (\(step): \(answer)): root needs CAP_SETUID and CAP_SETGID")
    }
}

/// Whom the process is to run as.
struct Identity: Equatable, Sendable {
    /// The user's name, by which supplementary groups are found.
    let user: String
    let uid: uid_t
    let gid: gid_t
    /// The user's home directory.
    let home: String
}

/// The users and groups of a machine.
struct Accounts: Sendable {
    /// The user of that name, with the group that passwd(5) gives; nil where there is none.
    var user: @Sendable (_ name: String) -> Identity?
    /// The number of the group of that name; nil where there is none.
    var group: @Sendable (_ name: String) -> gid_t?

    /// Those of this machine.
    static let system = Accounts(
        user: { name in
            getpwnam(name).map { entry in
                Identity(
                    user: name, uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid,
                    home: String(cString: entry.pointee.pw_dir))
            }
        },
        group: { name in getgrnam(name).map { $0.pointee.gr_gid } })
}

/// Who started the program.
struct Starter: Equatable, Sendable {
    let uid: uid_t
    let gid: gid_t

    var isRoot: Bool { uid == 0 }

    /// Who started this process.
    static var current: Starter { Starter(uid: geteuid(), gid: getegid()) }

    /// Root.
    static let root = Starter(uid: 0, gid: 0)
}

extension ProcessPlan {
    /// Whom the unix sockets belong to; nil for the process's own user.
    var socketOwner: SocketOwner? {
        identity.map { SocketOwner(user: $0.uid, group: $0.gid) }
    }

    /// As whom files are reached that root doesn't reach itself; nil where it stays who it is.
    var service: FileUser? {
        identity.map { FileUser($0.uid, group: $0.gid) }
    }

    /// Whom it became, and where, for the log; nil where it is as it was started.
    var description: String? {
        identity.map { "running as user \($0.user)\(chroot.map { ", in the chroot \($0.path)" } ?? "")" }
    }

    /// Becomes who it is to be, for good, in the chroot if there is one; to be called while there is one thread only.
    ///
    /// - Parameter permit: what is still to be reached from the chroot
    /// - Returns: the way to these files; nil where they can be reached as ever
    func descend(_ permit: FilePermit) throws(ProgramError) -> FileClient? {
        guard let identity else { return nil }
        var permit = permit
        if let pidFile, chroot?.contains(pidFile) == false { permit.removable.insert(pidFile) }
        let isAsked = chroot != nil && permit != FilePermit()
        let files = isAsked ? try FileServer.start(permit, as: identity) : nil
        try Privileges.takeGroups(of: identity)
        try chroot?.enter(for: FileUser(identity.uid, group: identity.gid))
        try Privileges.drop(to: identity)
        return files
    }
}
