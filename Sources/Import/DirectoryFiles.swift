import FileCalls
import Glibc
import SystemPackage

/// A directory of another program that is read.
///
/// Its files are opened by their names in the directory that is open, whatever is put into the place of its path.
struct SourceDirectory {
    let directory: FileDescriptor
    let name: String

    /// Whether a regular file of that name is in it.
    func has(_ file: String) -> Bool {
        var status = stat()
        let code = fstatat(directory.rawValue, file, &status, AT_SYMLINK_NOFOLLOW)
        return code == 0 && Stat(rawValue: status).type == .regular
    }

    /// Whether another process has locked a file, as postgrey does while it runs.
    func isLocked(_ file: String) -> Bool {
        guard let lock = try? open(file) else { return false }
        defer { try? lock.close() }
        do throws(Errno) {
            try lock.lock(.doesNotWait)
        } catch {
            return error == .wouldBlock
        }
        lock.unlock()
        return false
    }

    /// The names of the files in it.
    func names() throws(ImportError) -> [String] {
        // The position in a directory belongs to the descriptor, which is the caller's, so it is opened again.
        let own = openat(directory.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else { throw Self.unreadable(name, Errno(rawValue: errno)) }
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
        defer { try? source.close() }
        var bytes = [UInt8](repeating: 0, count: 512)
        do throws(Errno) {
            let count = try systemCall { try bytes.withUnsafeMutableBytes { try source.read(into: $0) } }
            return Array(bytes.prefix(count))
        } catch {
            throw Self.unreadable("\(name)/\(file)", error)
        }
    }

    /// Copies a file; blocks of a power of two keep the pages of a database whole.
    func copy(_ file: String, to target: PrivateDirectory) throws(ImportError) {
        let source = try open(file)
        defer { try? source.close() }
        let copy = try target.make(file)
        defer { try? copy.close() }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count: Int
            do throws(Errno) {
                count = try systemCall { try buffer.withUnsafeMutableBytes { try source.read(into: $0) } }
            } catch {
                throw Self.unreadable("\(name)/\(file)", error)
            }
            guard count > 0 else { return }
            do throws(Errno) {
                _ = try systemCall { try copy.writeAll(buffer[..<count]) }
            } catch {
                throw ImportError(.unreadable, target.file(file), "it can't be written (\(error))")
            }
        }
    }

    private func open(_ file: String) throws(ImportError) -> FileDescriptor {
        let source = FileDescriptor(
            rawValue: openat(directory.rawValue, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC))
        guard source.rawValue >= 0 else { throw Self.unreadable("\(name)/\(file)", Errno(rawValue: errno)) }
        guard (try? Stat(source))?.type == .regular else {
            try? source.close()
            throw ImportError(.unreadable, "\(name)/\(file)", "not a regular file")
        }
        return source
    }

    private static func unreadable(_ path: String, _ error: Errno) -> ImportError {
        ImportError(.unreadable, path, "it can't be read (\(error))")
    }
}

/// A directory that only one user can look into, and that is gone with this value.
final class PrivateDirectory: Sendable {
    let path: String
    /// The directory itself, whatever its user puts into its place.
    private let directory: FileDescriptor

    init(in parent: String) throws(ImportError) {
        var template = Array("\(parent)/tprt-import-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
        guard made else {
            throw ImportError(.unreadable, parent, "no directory can be made in it (\(Errno(rawValue: errno)))")
        }
        let path = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        self.path = path
        do throws(Errno) {
            directory = try systemCall {
                try FileDescriptor.open(path, .readOnly, options: [.directory, .noFollow, .closeOnExec])
            }
        } catch {
            throw ImportError(.unreadable, path, "it can't be opened (\(error))")
        }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a file in it; closing it is the caller's affair.
    func make(_ name: String) throws(ImportError) -> FileDescriptor {
        let file = openat(directory.rawValue, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw ImportError(.unreadable, self.file(name), "it can't be made (\(Errno(rawValue: errno)))")
        }
        return FileDescriptor(rawValue: file)
    }

    /// Files of one level: neither a copy nor db5.3-util makes a directory.
    private var names: [String] {
        (try? SourceDirectory(directory: directory, name: path).names())?.filter { $0 != "." && $0 != ".." } ?? []
    }

    deinit {
        for name in names { unlinkat(directory.rawValue, name, 0) }
        try? directory.close()
        rmdir(path)
    }
}
