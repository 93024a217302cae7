import Glibc
public import SystemPackage

/// Makes a call of swift-system, which throws an `Errno` and nothing else, though its type doesn't say so.
@inlinable @inline(__always)
public func systemCall<Result>(_ call: () throws -> Result) throws(Errno) -> Result {
    do {
        return try call()
    } catch let error as Errno {
        throw error
    } catch {
        preconditionFailure("a call of the system threw \(error), which is not an error number")
    }
}

/// Makes a call of the C library that answers 0, or -1 and an error number.
func check(_ call: () -> CInt) throws(Errno) {
    guard call() != 0 else { return }
    throw Errno(rawValue: errno)
}

extension FileDescriptor.OpenOptions {
    /// A terminal that is opened doesn't become the one that controls the process.
    ///
    /// The corresponding C constant is `O_NOCTTY`.
    public static var noControllingTerminal: Self { Self(rawValue: O_NOCTTY) }
}

/// What swift-system has no calls for.
extension FileDescriptor {
    /// Brings the file to the disk, all that is said of it included; a directory: the names in it.
    ///
    /// The corresponding C function is `fsync`.
    public func sync() throws(Errno) {
        try check { fsync(rawValue) }
    }

    /// Brings the file's contents to the disk, and what is needed to find them.
    ///
    /// The corresponding C function is `fdatasync`.
    public func syncContents() throws(Errno) {
        try check { fdatasync(rawValue) }
    }

    /// Gives the file other rights.
    ///
    /// The corresponding C function is `fchmod`.
    public func setPermissions(_ permissions: FilePermissions) throws(Errno) {
        try check { fchmod(rawValue, permissions.rawValue) }
    }

    /// Gives the file to a user and a group.
    ///
    /// The corresponding C function is `fchown`.
    public func setOwner(_ user: UserID, _ group: GroupID) throws(Errno) {
        try check { fchown(rawValue, user.rawValue, group.rawValue) }
    }

    /// Whether `lock` waits until it has the lock.
    public enum LockPatience: Sendable {
        /// Waits, whatever signals come.
        case waits
        /// Throws `wouldBlock` where somebody else has it.
        case doesNotWait
    }

    /// Takes the lock of the file for itself.
    ///
    /// The corresponding C function is `flock`.
    public func lock(_ patience: LockPatience) throws(Errno) {
        let operation = patience == .waits ? LOCK_EX : LOCK_EX | LOCK_NB
        while true {
            do throws(Errno) {
                return try check { flock(rawValue, operation) }
            } catch {
                guard error == .interrupted else { throw error }
            }
        }
    }

    /// Gives the lock up, which children that were made meanwhile have, too.
    ///
    /// The corresponding C function is `flock`.
    public func unlock() {
        flock(rawValue, LOCK_UN)
    }
}

extension Stat {
    /// Whether both are of one file.
    public func isSameFile(as other: Stat) -> Bool {
        deviceID == other.deviceID && inode == other.inode
    }
}
