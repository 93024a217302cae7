import CProcess
import Glibc
import SystemPackage

/// A user as whom root reaches files, or whom it becomes.
public struct FileUser: Equatable, Sendable {
    /// The user.
    public let user: UInt32
    /// The group of new files.
    public let group: UInt32
    /// The supplementary groups.
    public let groups: [UInt32]

    /// That user with that group, and with the groups that group(5) gives it; none where passwd(5) doesn't have it.
    public init(_ user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
        guard let entry = getpwuid(user) else {
            groups = [group]
            return
        }
        var count: CInt = 65_536
        var groups = [gid_t](repeating: group, count: Int(count))
        let found = getgrouplist(entry.pointee.pw_name, group, &groups, &count)
        self.groups = found < 0 ? [group] : Array(groups[..<Int(count)])
    }

    /// The owner of a directory: with the group that passwd(5) gives it, else with that of the directory.
    init(owning directory: Stat) {
        let (user, group) = (directory.userID.rawValue, directory.groupID.rawValue)
        self.init(user, group: getpwuid(user).map { $0.pointee.pw_gid } ?? group)
    }

    /// What messages call the user: its name, else its number.
    public var name: String { Self.name(of: user) }

    /// The home directory; nil where passwd(5) doesn't have the user.
    public var home: String? { getpwuid(user).map { String(cString: $0.pointee.pw_dir) } }

    /// What messages call a user.
    public static func name(of user: UInt32) -> String {
        getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? "\(user)"
    }

    /// Whether this process may act as somebody else: root in a container sometimes may not.
    public var canBeActed: Bool {
        let mine = Self.ownGroups
        guard tprt_act_as(user, group, groups, groups.count) == 0 else {
            _ = tprt_act_again(getegid(), mine, mine.count)
            return false
        }
        return tprt_act_again(getegid(), mine, mine.count) == 0
    }

    /// Does something that has to do with files as that user: this thread only, and only until it is done.
    ///
    /// Unix sockets are made and connected as that user, too. Signals, processes and ports aren't concerned. What isn't
    /// root, or acts as somebody already, does it as who it is.
    public func act<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        guard tprt_is_root() != 0 else { return try body() }
        let mine = Self.ownGroups
        guard tprt_act_as(user, group, groups, groups.count) == 0 else {
            preconditionFailure("can't act as user \(user), though a moment ago it could")
        }
        defer {
            let code = errno
            guard tprt_act_again(getegid(), mine, mine.count) == 0 else {
                preconditionFailure("can't be root again after acting as user \(user)")
            }
            errno = code
        }
        return try body()
    }

    /// Becomes that user for good, with all threads; false where it can't be, or where root could be had back.
    ///
    /// The process is to end then: it may be something in between.
    public func become() -> Bool {
        guard tprt_become(user, group, groups, groups.count) == 0 else { return false }
        return getuid() == user && geteuid() == user && getgid() == group && getegid() == group
            && setuid(0) != 0 && seteuid(0) != 0
    }

    private static var ownGroups: [gid_t] {
        let count = getgroups(0, nil)
        var groups = [gid_t](repeating: 0, count: Int(max(0, count)))
        let held = getgroups(count, &groups)
        return held < 0 ? [] : Array(groups[..<Int(held)])
    }
}
