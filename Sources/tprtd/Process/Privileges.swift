import CProcess
import Glibc
import Programs

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
