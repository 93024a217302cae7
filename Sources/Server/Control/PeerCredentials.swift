import Glibc

/// Who is at the other end of a unix socket, as the system knows it since it connected: struct ucred of unix(7).
struct PeerCredentials: Sendable, Equatable {
    var process: pid_t = 0
    var user: uid_t = 0
    var group: gid_t = 0

    /// The peer of a connected socket, or who listens at the other end; nil where the system doesn't tell.
    init?(of descriptor: CInt) {
        var length = socklen_t(MemoryLayout<Self>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &self, &length) == 0, process > 0 else { return nil }
    }

    init(process: pid_t, user: uid_t, group: gid_t) {
        self.process = process
        self.user = user
        self.group = group
    }

    /// What the peer is to a process of that user and group, which root, that user itself and members of the group may tell
    /// what to do; nil for all others.
    ///
    /// The mode of the socket's file says the same; it is checked here, too, since a mode is easily changed by mistake.
    ///
    /// - Parameter groups: the peer's other groups
    func rank(user ownUser: uid_t, group ownGroup: gid_t, groups: [gid_t]) -> ControlPlaces.Rank? {
        if user == 0 || user == ownUser { return .owner }
        return ownGroup != 0 && (group == ownGroup || groups.contains(ownGroup)) ? .member : nil
    }
}
