import FileCalls
import Glibc
public import Greylist
public import Storage
public import SystemPackage

/// The file of a database, held by a lock against every other process, and against another opening in this one.
public struct DatabaseFile: ~Copyable {
    /// Where it is.
    public let path: String
    /// How it is called in messages, such as `lmdb:///path`.
    public let url: String
    /// For reading and writing; it is closed with the file.
    public let descriptor: FileDescriptor

    /// How often the file may be replaced by others while it is being locked.
    private static let tries = 10

    /// Opens the file, makes it if need be, and locks it.
    ///
    /// The lock is flock(2). GNU dbm takes the same one, so that programs which use it are kept out, too; LMDB doesn't use
    /// it: it would let several processes in.
    ///
    /// - Parameters:
    ///   - scheme: what its URL begins with
    ///   - path: the file
    ///   - beforeLocking: called between opening and locking, where others may quarantine the file
    public init(scheme: String, path: String, beforeLocking: () -> Void = {}) throws(StoreError) {
        let url = "\(scheme)://\(path)"
        for _ in 0..<Self.tries {
            let descriptor = try Self.open(path, url)
            beforeLocking()
            do throws(StoreError) {
                try Self.lock(descriptor, url)
            } catch {
                try? descriptor.close()
                throw error
            }
            if Self.isAt(path, descriptor) {
                self.path = path
                self.url = url
                self.descriptor = descriptor
                return
            }
            try? descriptor.close()
        }
        throw StoreError(.inUse, "\(url): another process keeps replacing it")
    }

    deinit {
        // Closing alone isn't enough: a child that was made meanwhile, for the look at another file, has the lock, too.
        descriptor.unlock()
        try? descriptor.close()
    }

    /// The file's length in bytes.
    public var size: Int {
        (try? Stat(descriptor)).map { Int($0.size) } ?? 0
    }

    /// Renames the file to `NAME.corrupt-TIME`, so that a fresh one can take its place; returns the new name.
    public func quarantine(at now: Timestamp) throws(StoreError) -> String {
        let name = Self.freeName(of: path, at: now)
        try rename(path, to: name)
        return name
    }

    /// Puts another file into its place; the old one goes on as `NAME.corrupt-TIME` where it is worth keeping.
    ///
    /// Where the file system has hard links there is one of the two in the place, whenever this is
    /// interrupted. The lock is still that of the old file.
    ///
    /// - Parameter now: the time for the name of the old file; nil to give it up
    /// - Returns: the name of the old file
    public func replace(with other: String, quarantiningAt now: Timestamp?) throws(StoreError) -> String? {
        let name = now.map { Self.freeName(of: path, at: $0) }
        // Not every file system has hard links.
        if let name, (try? FileNames.link(path, as: name)) == nil { try rename(path, to: name) }
        try rename(other, to: path)
        return name
    }

    private func rename(_ path: String, to other: String) throws(StoreError) {
        do throws(Errno) { try FileNames.rename(path, to: other) } catch { throw StoreError.system(error, url) }
    }

    /// The first name of the form `NAME.corrupt-TIME` that is free.
    public static func freeName(of path: String, at now: Timestamp) -> String {
        var name = "\(path).corrupt-\(now.seconds)"
        var number = 1
        while FileNames.exists(name) {
            number += 1
            name = "\(path).corrupt-\(now.seconds)-\(number)"
        }
        return name
    }

    private static func open(_ path: String, _ url: String) throws(StoreError) -> FileDescriptor {
        let descriptor: FileDescriptor
        do throws(Errno) {
            descriptor = try systemCall {
                try FileDescriptor.open(
                    path, .readWrite, options: [.create, .closeOnExec, .noControllingTerminal, .nonBlocking],
                    permissions: .ownerReadWrite)
            }
        } catch {
            throw StoreError.system(error, url)
        }
        guard (try? Stat(descriptor))?.type == .regular else {
            try? descriptor.close()
            throw StoreError(.cannotCreate, "\(url): is not a regular file")
        }
        return descriptor
    }

    private static func lock(_ descriptor: FileDescriptor, _ url: String) throws(StoreError) {
        do throws(Errno) {
            try descriptor.lock(.doesNotWait)
        } catch {
            throw error == .wouldBlock
                ? StoreError(.inUse, "\(url): \(LockHolder.words(for: descriptor))") : StoreError.system(error, url)
        }
    }

    /// Whether the path still leads to the open file: it may have been removed or replaced.
    public var isInPlace: Bool { Self.isAt(path, descriptor) }

    /// Whether a path leads to the open file.
    public static func isAt(_ path: String, _ descriptor: FileDescriptor) -> Bool {
        guard let opened = try? Stat(descriptor), let named = try? Stat(path) else { return false }
        return opened.isSameFile(as: named)
    }
}

extension StoreError {
    /// What the system answered when a file was opened or made.
    public static func system(_ error: Errno, _ url: String) -> StoreError {
        let consequence: StoreError.Code =
            switch error {
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .denied
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory: .unavailable
            default: .cannotCreate
            }
        let remedy =
            switch error {
            case .permissionDenied, .notPermitted:
                ": give its directory, and it and the files beside it, to the user that is to use them\(chown(url))"
            case .noSuchFileOrDirectory, .notDirectory: ": create its directory"
            default: ""
            }
        return StoreError(consequence, "\(url): \(error)\(remedy)")
    }

    /// The command that makes this user the owner of a database, which may be root's after a command that root ran.
    private static func chown(_ url: String) -> String {
        guard geteuid() != 0, let start = url.firstRange(of: ":///")?.upperBound else { return "" }
        let path = "/" + url[start...]
        guard let slash = path.dropFirst().lastIndex(of: "/") else { return "" }
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
        return " (chown \(user) \(path[..<slash]) \(path)*)"
    }
}

/// Who holds the lock of a file, as far as the kernel says: a process with its number and its name.
enum LockHolder {
    /// The words for whoever has the lock that flock(2) refused.
    static func words(for descriptor: FileDescriptor) -> String {
        guard let status = try? Stat(descriptor), let locks = read("/proc/locks"),
            let process = process(in: locks, device: status.deviceID.rawValue, inode: status.inode.rawValue)
        else { return "already in use by another process" }
        if process == getpid() { return "already in use by this process" }
        let name = read("/proc/\(process)/comm")?.split(separator: "\n").first.map { " (\($0))" } ?? ""
        return "already in use by process \(process)\(name)"
    }

    /// The process that has a flock(2) of the file.
    ///
    /// Lines of `/proc/locks` are `NUMBER: FLOCK ADVISORY WRITE PROCESS MAJOR:MINOR:INODE START END`, with `->` behind the
    /// number for those who wait. Some file systems show another device here than to stat(2): then the inode decides, where
    /// only one file has it.
    static func process(in locks: String, device: dev_t, inode: ino_t) -> pid_t? {
        var sameInode: [(process: pid_t, isSameDevice: Bool)] = []
        for line in locks.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", let process = pid_t(fields[4]), process > 0 else { continue }
            let file = fields[5].split(separator: ":")
            guard file.count == 3, let major = UInt64(file[0], radix: 16), let minor = UInt64(file[1], radix: 16),
                UInt64(file[2]) == UInt64(inode)
            else { continue }
            sameInode.append((process, major == Self.major(device) && minor == Self.minor(device)))
        }
        return (sameInode.first { $0.isSameDevice } ?? (sameInode.count == 1 ? sameInode[0] : nil))?.process
    }

    private static func major(_ device: dev_t) -> UInt64 {
        let number = UInt64(device)
        return number >> 8 & 0xfff | number >> 32 & ~0xfff
    }

    private static func minor(_ device: dev_t) -> UInt64 {
        let number = UInt64(device)
        return number & 0xff | number >> 12 & ~0xff
    }

    private static func read(_ path: String) -> String? {
        (try? FileDescriptor.contents(of: path, limit: 1 << 22)).map { String(decoding: $0, as: UTF8.self) }
    }
}
