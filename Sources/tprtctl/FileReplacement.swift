import Glibc
import JSONText
import Programs
import TrustedFiles
import WhitelistFiles

/// A file that is read, and replaced by another one as a whole: whoever reads it finds the old text or the new one.
///
/// While it is there, no other one of its kind gets at a file of the same directory. Where the path is a symbolic link, it
/// stays one. Owner and mode stay, too.
final class FileReplacement {
    /// What the file was when it was read; nil where there was none.
    private let former: Stamp?
    private let path: String
    private let target: String
    private let directory: CInt
    /// As whom all of this is done: root changes nothing in a directory of another user's but as that user.
    private let reach: FileReach

    /// What tells a file from a later one at its place.
    private struct Stamp: Equatable {
        let device: UInt
        let number: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            device = UInt(status.st_dev)
            number = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// Waits for its turn.
    init(of path: String) throws(ProgramError) {
        self.path = path
        guard !path.isEmpty, !path.utf8.contains(0) else { throw ProgramError(.usage, "an empty path names no file") }
        do throws(FileError) {
            reach = try FileReach(path)
        } catch {
            throw ProgramError(.noPermission, error.description)
        }
        (target, directory, former) = try reach.act { () throws(ProgramError) in
            let target = try Self.resolve(path)
            let slash = target.lastIndex(of: "/")
            let name = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
            let directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else { throw ProgramError.system(.cannotCreate, name) }
            while flock(directory, LOCK_EX) != 0 {
                guard errno == EINTR else {
                    close(directory)
                    throw ProgramError.system(.cannotCreate, name)
                }
            }
            return (target, directory, Self.status(target).map { Stamp($0) })
        }
        reach.act { removeRemains() }
    }

    /// Removes what an earlier one left behind that was killed: nobody else is at work here now.
    private func removeRemains() {
        let prefix = Self.temporaryPrefix(target)
        let parent = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "."
        for name in (try? FileAccess.direct.names(parent)) ?? [] where name.hasPrefix(prefix) {
            var status = stat()
            guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            unlinkat(directory, name, 0)
        }
    }

    /// What the names of new files of a target begin with; whitelist directories don't look at them, and no editor has
    /// such ones.
    private static func temporaryPrefix(_ target: String) -> String {
        ".\(target.split(separator: "/").last ?? "").tprtctl-"
    }

    deinit {
        close(directory)
    }

    /// Whether there was a file.
    var exists: Bool { former != nil }

    /// What the file holds; nothing where there is none.
    func contents() throws(ProgramError) -> [UInt8] {
        guard former != nil else { return [] }
        do throws(FileReadError) {
            return try reach.act { () throws(FileReadError) in
                try WhitelistFiles.contents(of: target, limit: WhitelistLimits.file)
            }
        } catch {
            throw ProgramError(.noInput, "\(bareOrQuoted(path)): \(error)")
        }
    }

    /// Puts a new file in its place, and sees to it that it is on the disk.
    func replace(by bytes: [UInt8]) throws(ProgramError) {
        try reach.act { () throws(ProgramError) in try putInPlace(bytes) }
    }

    private func putInPlace(_ bytes: [UInt8]) throws(ProgramError) {
        let temporary = temporaryName
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ProgramError.system(.cannotCreate, path) }
        var isDone = false
        defer {
            close(descriptor)
            if !isDone { unlink(temporary) }
        }
        let status = Self.status(target)
        if let status {
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw ProgramError(.cannotCreate, "\(bareOrQuoted(path)): it is not a regular file")
            }
            guard fchown(descriptor, status.st_uid, status.st_gid) == 0 else {
                throw ProgramError.system(.noPermission, path)
            }
        }
        guard fchmod(descriptor, status.map { $0.st_mode & 0o7777 } ?? 0o666 & ~Self.mask) == 0 else {
            throw ProgramError.system(.noPermission, path)
        }
        try write(bytes, to: descriptor)
        guard Self.status(target).map({ Stamp($0) }) == former else {
            throw ProgramError(
                .unavailable, "\(bareOrQuoted(path)): it was changed meanwhile: run the command again")
        }
        guard rename(temporary, target) == 0 else { throw ProgramError.system(.cannotCreate, path) }
        isDone = true
        guard fsync(directory) == 0 else { throw ProgramError.system(.cannotCreate, path) }
    }

    /// A file in the same directory, of a name that whitelist directories don't look at.
    private var temporaryName: String {
        let parts = target.split(separator: "/", omittingEmptySubsequences: false)
        let number = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        return (parts.dropLast().map(String.init) + [Self.temporaryPrefix(target) + number]).joined(separator: "/")
    }

    private func write(_ bytes: [UInt8], to descriptor: CInt) throws(ProgramError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw ProgramError.system(.cannotCreate, path)
            }
        }
        guard fsync(descriptor) == 0 else { throw ProgramError.system(.cannotCreate, path) }
    }

    /// The path without symbolic links.
    private static func resolve(_ path: String) throws(ProgramError) -> String {
        if let resolved = realpath(path, nil) {
            defer { free(resolved) }
            return String(cString: resolved)
        }
        var status = stat()
        guard errno == ENOENT, lstat(path, &status) != 0 else {
            throw ProgramError(.cannotCreate, "\(bareOrQuoted(path)): the link leads nowhere")
        }
        return path
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    /// What new files may not be.
    private static var mask: mode_t {
        let mask = umask(0)
        umask(mask)
        return mask
    }
}

extension ProgramError {
    fileprivate static func system(_ status: ExitStatus, _ path: String) -> ProgramError {
        ProgramError(status, "\(bareOrQuoted(path)): \(String(cString: strerror(errno)))")
    }
}
