import CProcess
import FileCalls
import Glibc
import Programs
import SystemPackage
import TrustedFiles
import WhitelistFiles

/// A directory that the process shuts itself into.
///
/// Paths beneath it mean the same inside: a chain of links, such as `/srv/tprt/srv/tprt -> ..` for `/srv/tprt`, leads
/// back to its root. So databases and sockets have one name, in the settings, in the log and in both worlds.
struct Chroot: Equatable, Sendable {
    /// Absolute, without `.`, `..` and empty parts; never `/`.
    let path: String

    private let parts: [String]

    /// The directory of that path; nil where it isn't absolute, has `..` in it, or is `/`.
    init?(path: String) {
        guard let parts = Self.parts(of: path), !parts.isEmpty else { return nil }
        self.parts = parts
        self.path = "/" + parts.joined(separator: "/")
    }

    /// Whether a path lies beneath the directory.
    func contains(_ path: String) -> Bool {
        guard let parts = Self.parts(of: path) else { return false }
        return parts.count > self.parts.count && parts.starts(with: self.parts)
    }

    /// What the system's name look-ups read.
    private static let lookUpFiles = ["hosts", "resolv.conf", "nsswitch.conf", "services", "host.conf", "gai.conf"]
    private static let lookUpLimit = 4 << 20

    /// Shuts the process in; only root may, and there must be one thread only.
    ///
    /// What name look-ups read is copied in, /proc mounted, and the link made that gives paths one meaning: when already
    /// inside, where nobody who may write to the directory can lead root astray.
    ///
    /// - Parameter service: whom it becomes afterwards, and whose the directory may be
    func enter(for service: FileUser) throws(ProgramError) {
        // What isn't there outside isn't needed inside either.
        let copies = Self.lookUpFiles.map { name in
            (name, try? contents(of: "/etc/\(name)", limit: Self.lookUpLimit))
        }
        // No open directory of the outside stays open: ProcessSetup closed them, and nobody opened another since.
        let hasOwnMounts = tprt_own_mounts() == 0
        try goThere(service)
        guard chroot(".") == 0, chdir("/") == 0 else { throw failure("chroot", Errno(rawValue: errno)) }
        try showProcesses(hasOwnMounts, service)
        try inside(path, service) { () throws(ProgramError) in try makeLink() }
        for case (let name, let bytes?) in copies {
            try inside("/etc/\(name)", service) { () throws(ProgramError) in try put(bytes, at: "/etc/\(name)") }
        }
    }

    /// Makes it the working directory: one of root's to which nobody else can lead, or one of the user's.
    private func goThere(_ service: FileUser) throws(ProgramError) {
        do throws(FileError) {
            let reach = try FileReach(path)
            let place = try FilePlace(reach)
            guard place.isDirectory, place.owner == service.user || reach.isRoots && place.owner == 0 else {
                throw FileError(path, EPERM, message: "is not a directory of root's or of \(service.name)'s")
            }
            guard reach.act({ place.enter() }) else { throw FileError(path, errno) }
        } catch {
            throw ProgramError(.noPermission, "server.chroot_dir: \(error)")
        }
    }

    /// Does something with a path inside, as whom the directory belongs to that it is in.
    private func inside(
        _ path: String, _ service: FileUser, _ body: () throws(ProgramError) -> Void
    ) throws(ProgramError) {
        let reach: FileReach
        do throws(FileError) {
            reach = try FileReach(path, service: service)
        } catch {
            throw ProgramError(.noPermission, "server.chroot_dir: \(self.path): in it, \(error)")
        }
        try reach.act(body)
    }

    /// Makes sure that there is a /proc, where libdispatch looks whether its threads run: without, it ends the process.
    private func showProcesses(_ hasOwnMounts: Bool, _ service: FileUser) throws(ProgramError) {
        if (try? Stat("/proc/self/stat")) != nil { return }
        try inside("/proc", service) { () throws(ProgramError) in try makeDirectories(["proc"]) }
        // Not through a link, wherever that would lead.
        let place: FileDescriptor
        do throws(Errno) {
            place = try systemCall {
                try FileDescriptor.open("/proc", .readOnly, options: [.directory, .noFollow, .closeOnExec])
            }
        } catch {
            throw failure("/proc in it", error)
        }
        defer {
            try? place.close()
            chdir("/")
        }
        guard fchdir(place.rawValue) == 0 else { throw failure("/proc in it", Errno(rawValue: errno)) }
        guard hasOwnMounts, tprt_mount_processes(".") == 0 else {
            throw ProgramError(
                .noPermission,
                "server.chroot_dir: \(path): /proc can't be mounted in it, which takes CAP_SYS_ADMIN: "
                    + "mount it there beforehand (mount -t proc proc \(path)/proc)")
        }
    }

    private func makeLink() throws(ProgramError) {
        try makeDirectories(parts.dropLast())
        let target = parts.count == 1 ? "." : Array(repeating: "..", count: parts.count - 1).joined(separator: "/")
        do throws(Errno) {
            return try FileNames.makeLink(path, to: target)
        } catch {
            guard error == .fileExists else { throw failure("the link \(path) in it", error) }
        }
        guard let found = try? Stat(path), let root = try? Stat("/"), found.isSameFile(as: root) else {
            throw ProgramError(
                .cannotCreate, "server.chroot_dir: \(path)\(path) is in the way of a link to \(path): take it away")
        }
    }

    private func put(_ bytes: [UInt8], at path: String) throws(ProgramError) {
        if (try? contents(of: path, limit: Self.lookUpLimit)) == bytes { return }
        try makeDirectories(["etc"])
        let temporary = "\(path).tprtd"
        try? FileNames.remove(temporary)
        let permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
        let copy: FileDescriptor
        do throws(Errno) {
            copy = try systemCall {
                try FileDescriptor.open(
                    temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                    permissions: permissions)
            }
        } catch {
            throw failure("\(path) in it", error)
        }
        defer { try? copy.close() }
        do throws(Errno) {
            _ = try systemCall { try copy.writeAll(bytes) }
            try copy.setPermissions(permissions)
            try FileNames.rename(temporary, to: path)
        } catch {
            try? FileNames.remove(temporary)
            throw failure("\(path) in it", error)
        }
    }

    private func makeDirectories(_ parts: [String]) throws(ProgramError) {
        let permissions: FilePermissions = [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute]
        var directory = ""
        for part in parts {
            directory += "/\(part)"
            do throws(Errno) {
                try FileNames.makeDirectory(directory, permissions)
            } catch {
                guard error == .fileExists else { throw failure("\(directory) in it", error) }
                continue
            }
            // Whatever umask takes away; through no link that took its place.
            try? FileNames.setPermissions(directory, permissions)
        }
    }

    private func failure(_ what: String, _ code: Errno) -> ProgramError {
        let status = code == .notPermitted || code == .permissionDenied ? ExitStatus.noPermission : .cannotCreate
        return ProgramError(status, "server.chroot_dir: \(path): \(what): \(code)")
    }

    private static func parts(of path: String) -> [String]? {
        guard path.hasPrefix("/") else { return nil }
        let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        return parts.contains("..") ? nil : parts
    }
}
