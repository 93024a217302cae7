import CProcess
import Glibc

/// What is at the end of a path, held: it stays the same, whatever is put into its place.
public final class FilePlace {
    private let descriptor: CInt
    private let status: stat

    /// What is there now; a link itself.
    public init(_ reach: FileReach) throws(FileError) {
        let descriptor = reach.act { tprt_open_place(AT_FDCWD, reach.path) }
        guard descriptor >= 0 else { throw FileError(reach.path, errno, as: reach.user) }
        self.descriptor = descriptor
        var status = stat()
        fstat(descriptor, &status)
        self.status = status
    }

    deinit {
        close(descriptor)
    }

    /// Whether it is a unix socket.
    public var isSocket: Bool { status.st_mode & S_IFMT == S_IFSOCK }
    /// Whether it is a directory.
    public var isDirectory: Bool { status.st_mode & S_IFMT == S_IFDIR }
    /// Whose it is.
    public var owner: UInt32 { status.st_uid }
    /// How many names it has.
    public var names: Int { Int(status.st_nlink) }
    /// The rights that all others than owner and group have, and those of the group.
    public var isWritableByOthers: Bool { status.st_mode & 0o022 != 0 }

    /// Gives it to a user and a group; false, and errno, where that can't be done.
    ///
    /// The greatest number stands for no change.
    public func give(to user: UInt32, group: UInt32) -> Bool {
        tprt_give_place(descriptor, user, group) == 0
    }

    /// Makes it the working directory; false, and errno, where that can't be done.
    public func enter() -> Bool { fchdir(descriptor) == 0 }
}
