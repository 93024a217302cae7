import FileCalls
import Glibc
import JSONText
import Programs
import SystemPackage
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
    private let directory: FileDescriptor
    /// As whom all of this is done: root changes nothing in a directory of another user's but as that user.
    private let reach: FileReach

    /// What tells a file from a later one at its place.
    private struct Stamp: Equatable {
        let device: DeviceID
        let number: Inode
        let size: Int64
        let seconds: Int
        let nanoseconds: Int

        init(_ status: Stat) {
            device = status.deviceID
            number = status.inode
            size = status.size
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
            let directory = try Self.attempt(name, or: .cannotCreate) { () throws(Errno) in try Self.lock(name) }
            return (target, directory, (try? Stat(target)).map { Stamp($0) })
        }
        reach.act { removeRemains() }
    }

    /// Opens a directory, and has it alone.
    private static func lock(_ name: String) throws(Errno) -> FileDescriptor {
        let directory = try systemCall {
            try FileDescriptor.open(name, .readOnly, options: [.directory, .closeOnExec])
        }
        do throws(Errno) {
            try directory.lock(.waits)
        } catch {
            try? directory.close()
            throw error
        }
        return directory
    }

    /// Removes what an earlier one left behind that was killed: nobody else is at work here now.
    private func removeRemains() {
        let prefix = Self.temporaryPrefix(target)
        let parent = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "."
        for name in (try? FileAccess.direct.names(parent)) ?? [] where name.hasPrefix(prefix) {
            guard let status = try? Stat(name, relativeTo: directory, flags: .symlinkNoFollow), status.type == .regular
            else { continue }
            try? FileNames.remove(name, in: directory)
        }
    }

    /// What the names of new files of a target begin with; whitelist directories don't look at them, and no editor has
    /// such ones.
    private static func temporaryPrefix(_ target: String) -> String {
        ".\(target.split(separator: "/").last ?? "").tprtctl-"
    }

    deinit {
        try? directory.close()
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

    /// Gives the file another name, too, which must be free: it is still there when another one has taken its place.
    func keep(as other: String) throws(ProgramError) {
        try reach.act { () throws(ProgramError) in
            try Self.attempt(other, or: .cannotCreate) { () throws(Errno) in
                try FileNames.link(target, as: other)
            }
        }
    }

    /// Puts a new file in its place, and sees to it that it is on the disk.
    func replace(by bytes: [UInt8]) throws(ProgramError) {
        try reach.act { () throws(ProgramError) in try putInPlace(bytes) }
    }

    private func putInPlace(_ bytes: [UInt8]) throws(ProgramError) {
        let temporary = temporaryName
        let status = try? Stat(target)
        if let status, status.type != .regular {
            throw ProgramError(.cannotCreate, "\(bareOrQuoted(path)): it is not a regular file")
        }
        // A file that wasn't there before has the rights that umask(2) leaves to it; one that was gets them below.
        let permissions = status == nil ? FilePermissions(rawValue: 0o666) : .ownerReadWrite
        let file = try Self.attempt(path, or: .cannotCreate) { () throws(Errno) in
            try systemCall {
                try FileDescriptor.open(
                    temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                    permissions: permissions)
            }
        }
        var isDone = false
        defer {
            try? file.close()
            if !isDone { try? FileNames.remove(temporary) }
        }
        if let status {
            try Self.attempt(path, or: .noPermission) { () throws(Errno) in
                try file.setOwner(status.userID, status.groupID)
                try file.setPermissions(status.permissions)
            }
        }
        try Self.attempt(path, or: .cannotCreate) { () throws(Errno) in
            _ = try systemCall { try file.writeAll(bytes) }
            try file.sync()
        }
        guard (try? Stat(target)).map({ Stamp($0) }) == former else {
            throw ProgramError(
                .unavailable, "\(bareOrQuoted(path)): it was changed meanwhile: run the command again")
        }
        try Self.attempt(path, or: .cannotCreate) { () throws(Errno) in
            try FileNames.rename(temporary, to: target)
            isDone = true
            try directory.sync()
        }
    }

    /// A file in the same directory, of a name that whitelist directories don't look at.
    private var temporaryName: String {
        let parts = target.split(separator: "/", omittingEmptySubsequences: false)
        let number = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        return (parts.dropLast().map(String.init) + [Self.temporaryPrefix(target) + number]).joined(separator: "/")
    }

    /// The path without symbolic links.
    private static func resolve(_ path: String) throws(ProgramError) -> String {
        do throws(Errno) {
            return try FileNames.resolve(path)
        } catch {
            guard error == .noSuchFileOrDirectory, (try? Stat(path, followTargetSymlink: false)) == nil else {
                throw ProgramError(.cannotCreate, "\(bareOrQuoted(path)): the link leads nowhere")
            }
            return path
        }
    }

    /// Makes calls that have to do with a path; a failure of theirs ends the program with that status.
    private static func attempt<Result>(
        _ path: String, or status: ExitStatus, _ calls: () throws(Errno) -> Result
    ) throws(ProgramError) -> Result {
        do throws(Errno) {
            return try calls()
        } catch {
            throw ProgramError(status, "\(bareOrQuoted(path)): \(error)")
        }
    }
}
