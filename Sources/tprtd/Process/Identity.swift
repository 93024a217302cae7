import Glibc

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
