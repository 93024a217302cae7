import CProcess
import FileCalls
import Glibc
public import SystemPackage

/// With whose rights a path is followed.
///
/// Root follows a path with its own rights only as far as nobody else can change where it leads: each directory and
/// each symbolic link on the way belongs to root, and no directory may be written to by others, unless it is sticky.
/// In a directory of another user's it reaches files as that user, who can gain nothing that way. A directory of
/// root's that others may write to is nobody's: what is asked there is done as the user that the program is to become, or
/// refused. For anybody but root a path is what it is.
public struct FileReach: Sendable {
    /// The path to use: that which was asked for, without symbolic links where it is followed as root.
    public let path: String
    /// As whom it is followed; nil: as who this process is.
    public let user: FileUser?
    /// Whether it is followed with root's rights; what is found is root's, too, or is refused by `open`.
    public let isRoots: Bool
    /// Whether others may make files beside it, as in a sticky directory such as /tmp.
    public let isShared: Bool

    /// Looks along a path; what isn't there yet can be asked about, too.
    ///
    /// - Parameters:
    ///   - path: relative paths begin at the working directory
    ///   - service: the user that the program is to become, for a directory that others than root may write to
    public init(_ path: String, service: FileUser? = nil) throws(FileError) {
        guard tprt_is_root() != 0 else {
            (self.path, user, isRoots, isShared) = (path, nil, false, false)
            return
        }
        switch try PathWalk.follow(path) {
        case .root(let resolved, let isSticky):
            (self.path, user, isRoots, isShared) = (resolved, nil, true, isSticky)
        case .other(let owner, let place):
            // The group of what the service makes is that of its settings.
            let user = service?.user == owner.user ? service ?? owner : owner
            guard user.canBeActed else { throw FileError(place, cantBe: user) }
            (self.path, self.user, isRoots, isShared) = (path, user, false, false)
        case .shared(let directory):
            guard let service else { throw FileError(shared: directory) }
            guard service.canBeActed else { throw FileError(directory, cantBe: service) }
            (self.path, user, isRoots, isShared) = (path, service, false, false)
        }
    }

    /// Does something with the file, by `path`, as whom it is to be done.
    public func act<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        guard let user else { return try body() }
        return try user.act(body)
    }

    /// A library that opens a pipe by its name may wait for ever.
    private static func checkKind(of suffixes: [String], _ path: String) throws(FileError) {
        for suffix in suffixes {
            guard let status = try? Stat(path + suffix), status.type != .regular else { continue }
            throw FileError(path + suffix, EPERM, message: "is not a regular file")
        }
    }

    /// Opens the file without waiting, as open(2) does, closing on exec.
    ///
    /// As root it doesn't follow a link in the last place. What it is to write to, and what it opens where others may make
    /// files, is a regular file of root's with one name.
    ///
    /// - Parameter permissions: the rights of a file that is made
    public func open(
        _ mode: FileDescriptor.AccessMode, options: FileDescriptor.OpenOptions = [], permissions: FilePermissions = []
    ) throws(FileError) -> FileDescriptor {
        var options = options.union([.closeOnExec, .noControllingTerminal, .nonBlocking])
        if isRoots { options.insert(.noFollow) }
        let descriptor: FileDescriptor
        do throws(Errno) {
            descriptor = try act { () throws(Errno) in
                try systemCall { try FileDescriptor.open(path, mode, options: options, permissions: permissions) }
            }
        } catch {
            throw FileError(path, error.rawValue, as: user)
        }
        guard isRoots else { return descriptor }
        do throws(FileError) {
            if isShared || mode != .readOnly { try check(descriptor) }
        } catch {
            try? descriptor.close()
            throw error
        }
        return descriptor
    }

    /// The user who has to open files that a library opens by their names, this one and those whose names go on with a
    /// suffix; nil where this process may as it is.
    ///
    /// The files are the user's whose directory they are in; in one of root's, the first one's that isn't root's.
    ///
    /// - Throws: where others could put something into the place of one, or one isn't a regular file with one name
    public func owner(ofFilesWith suffixes: [String]) throws(FileError) -> FileUser? {
        guard isRoots else {
            try act { () throws(FileError) in try Self.checkKind(of: [""] + suffixes, path) }
            return user
        }
        guard !isShared else {
            throw FileError(
                path, EPERM,
                message: "others may make files beside it: root uses no database there (name another directory)")
        }
        for suffix in [""] + suffixes {
            let file = path + suffix
            guard let status = try? Stat(file, followTargetSymlink: false) else { continue }
            guard status.type == .regular else { throw FileError(file, EPERM, message: "is not a regular file") }
            guard status.userID.rawValue == 0 else { return FileUser(owning: status) }
            try Self.checkOwner(status, file)
        }
        return nil
    }

    private func check(_ descriptor: FileDescriptor) throws(FileError) {
        let status: Stat
        do throws(Errno) { status = try Stat(descriptor) } catch { throw FileError(path, error.rawValue) }
        switch status.type {
        case .regular: try Self.checkOwner(status, path)
        case .directory: throw FileError(path, EISDIR)
        default: throw FileError(path, EPERM, message: "is not a regular file")
        }
    }

    /// Whether a file is root's alone: it may be opened for writing, or given away, as root.
    static func checkOwner(_ status: Stat, _ path: String) throws(FileError) {
        guard status.userID.rawValue == 0 else {
            let owner = FileUser.name(of: status.userID.rawValue)
            throw FileError(path, EPERM, message: "belongs to \(owner), not to root")
        }
        guard status.linkCount <= 1 else {
            throw FileError(path, EPERM, message: "has \(status.linkCount) names (hard links), and must have one")
        }
    }
}

/// What is at the end of a path, held: it stays the same, whatever is put into its place.
public final class FilePlace {
    private let descriptor: FileDescriptor
    private let status: Stat

    /// What is there now; a link itself.
    public init(_ reach: FileReach) throws(FileError) {
        let descriptor = reach.act { tprt_open_place(AT_FDCWD, reach.path) }
        guard descriptor >= 0 else { throw FileError(reach.path, errno, as: reach.user) }
        self.descriptor = FileDescriptor(rawValue: descriptor)
        status = (try? Stat(self.descriptor)) ?? Stat(rawValue: stat())
    }

    deinit {
        try? descriptor.close()
    }

    /// Whether it is a unix socket.
    public var isSocket: Bool { status.type == .socket }
    /// Whether it is a directory.
    public var isDirectory: Bool { status.type == .directory }
    /// Whose it is.
    public var owner: UInt32 { status.userID.rawValue }
    /// How many names it has.
    public var names: Int { status.linkCount }
    /// The rights that all others than owner and group have, and those of the group.
    public var isWritableByOthers: Bool { !status.permissions.isDisjoint(with: [.groupWrite, .otherWrite]) }

    /// Gives it to a user and a group; false, and errno, where that can't be done.
    ///
    /// The greatest number stands for no change.
    public func give(to user: UInt32, group: UInt32) -> Bool {
        tprt_give_place(descriptor.rawValue, user, group) == 0
    }

    /// Makes it the working directory; false, and errno, where that can't be done.
    public func enter() -> Bool { fchdir(descriptor.rawValue) == 0 }
}

/// Why root doesn't touch a file, or why a file can't be opened.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The errno that comes nearest.
    public let code: CInt
    /// Where it is.
    public let path: String
    /// What is wrong there, and the remedy where there is one.
    public let message: String
    /// Whether the errno says all of it.
    public let isSystems: Bool

    /// A path, and what is wrong with it.
    public var description: String { "\(path): \(message)" }

    /// What is wrong in our own words.
    public init(_ path: String, _ code: CInt, message: String) {
        self.path = path
        self.code = code
        self.message = message
        isSystems = false
    }

    /// What the system answered.
    ///
    /// - Parameter user: as whom it was asked; nil: as who this process is
    public init(_ path: String, _ code: CInt, as user: FileUser? = nil) {
        let who = user.map { " (as user \($0.name))" } ?? ""
        self.path = path
        self.code = code
        message = "\(Errno(rawValue: code))\(who)"
        isSystems = user == nil
    }

    /// Root lacks the rights to act as a user.
    public init(_ path: String, cantBe user: FileUser) {
        self.init(
            path, EPERM,
            message: "root can't act as \(user.name) there: it needs CAP_SETUID and CAP_SETGID")
    }

    init(shared directory: String) {
        self.init(
            directory, EPERM,
            message: "belongs to root, and others may write to it: root uses nothing there (chmod go-w, or chown it)")
    }
}
