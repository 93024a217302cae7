import Programs
import Server
import TrustedFiles

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
