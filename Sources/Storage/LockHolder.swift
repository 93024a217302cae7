import Glibc

/// Who holds the lock of a file, as far as the kernel says: a process with its number and its name.
enum LockHolder {
    /// The words for whoever has the lock that flock(2) refused.
    static func words(for descriptor: CInt) -> String {
        var status = stat()
        guard fstat(descriptor, &status) == 0, let locks = read("/proc/locks"),
            let process = process(in: locks, device: status.st_dev, inode: status.st_ino)
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
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 || bytes.count > 1 << 22 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
