import Glibc

/// A directory of another program that is read.
struct SourceDirectory {
    let descriptor: CInt
    let name: String

    /// Whether a regular file of that name is in it.
    func has(_ file: String) -> Bool {
        var status = stat()
        return fstatat(descriptor, file, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether another process has locked a file, as postgrey does while it runs.
    func isLocked(_ file: String) -> Bool {
        let lock = openat(descriptor, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard lock >= 0 else { return false }
        defer { close(lock) }
        guard flock(lock, LOCK_SH | LOCK_NB) != 0 else {
            _ = flock(lock, LOCK_UN)
            return false
        }
        return errno == EWOULDBLOCK
    }

    /// The names of the files in it.
    func names() throws(ImportError) -> [String] {
        // The position in a directory belongs to the descriptor, which is the caller's, so it is opened again.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else { throw fault(".") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names
    }

    /// The first bytes of a file.
    func start(of file: String) throws(ImportError) -> [UInt8] {
        let source = try open(file)
        defer { close(source) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(source, &bytes, bytes.count)
        guard count >= 0 else { throw fault(file) }
        return Array(bytes.prefix(count))
    }

    /// Copies a file; blocks of a power of two keep the pages of a database whole.
    func copy(_ file: String, to target: PrivateDirectory) throws(ImportError) {
        let source = try open(file)
        defer { close(source) }
        let path = target.file(file)
        let copy = try target.make(file)
        defer { close(copy) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw fault(file) }
            if count == 0 { return }
            try Self.write(buffer, count, to: copy, path)
        }
    }

    private static func write(_ buffer: [UInt8], _ count: Int, to copy: CInt, _ path: String) throws(ImportError) {
        var done = 0
        while done < count {
            let written = buffer.withUnsafeBytes { Glibc.write(copy, $0.baseAddress.map { $0 + done }, count - done) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw fault(path) }
            done += written
        }
    }

    private func open(_ file: String) throws(ImportError) -> CInt {
        let source = openat(descriptor, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard source >= 0 else { throw fault(file) }
        var status = stat()
        guard fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(source)
            throw ImportError(.unreadable, "\(name)/\(file)", "not a regular file")
        }
        return source
    }

    private func fault(_ file: String) -> ImportError { Self.fault("\(name)/\(file)") }

    private static func fault(_ path: String) -> ImportError {
        ImportError(.unreadable, path, "it can't be copied (\(String(cString: strerror(errno))))")
    }
}

/// A directory that only one user can look into, and that is gone with this value.
final class PrivateDirectory: Sendable {
    let path: String
    /// The directory itself, whatever its user puts into its place.
    private let descriptor: CInt

    init(in parent: String) throws(ImportError) {
        var template = Array("\(parent)/tprt-import-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
        guard made else {
            let reason = String(cString: strerror(errno))
            throw ImportError(.unreadable, parent, "no directory can be made in it (\(reason))")
        }
        let path = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        self.path = path
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw ImportError(.unreadable, path, "it can't be opened (\(reason))")
        }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a file in it; closing it is the caller's affair.
    func make(_ name: String) throws(ImportError) -> CInt {
        let file = openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw ImportError(.unreadable, self.file(name), "it can't be made (\(String(cString: strerror(errno))))")
        }
        return file
    }

    /// Files of one level: neither a copy nor db5.3-util makes a directory.
    private var names: [String] {
        (try? SourceDirectory(descriptor: descriptor, name: path).names())?.filter { $0 != "." && $0 != ".." } ?? []
    }

    deinit {
        for name in names { unlinkat(descriptor, name, 0) }
        close(descriptor)
        rmdir(path)
    }
}
