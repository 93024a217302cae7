public import Glibc
import TrustedFiles

/// How files are reached: by the system's calls, or by a process that reaches what this one doesn't, as from a chroot.
///
/// All of it may block.
public struct FileAccess: Sendable {
    /// What the system answered.
    public struct SystemError: Error, Equatable, Sendable {
        /// An errno.
        public let code: CInt
        /// What is wrong where the number doesn't say it.
        let message: String?

        /// That errno.
        public init(code: CInt) {
            self.code = code
            message = nil
        }

        /// What root doesn't follow a path for; the rest is said by the number.
        init(_ error: FileError) {
            code = error.code
            message = error.code == EPERM && !error.isSystems ? error.message : nil
        }
    }

    /// Opens a file for reading; the descriptor is the caller's to close.
    public var open: @Sendable (_ path: String) throws(SystemError) -> CInt
    /// The names in a directory, in any order.
    public var names: @Sendable (_ directory: String) throws(SystemError) -> [String]
    /// What stat(2) says of a file or directory; nil where there is none.
    public var status: @Sendable (_ path: String) -> stat?

    /// Files are reached in these ways.
    public init(
        open: @escaping @Sendable (_ path: String) throws(SystemError) -> CInt,
        names: @escaping @Sendable (_ directory: String) throws(SystemError) -> [String],
        status: @escaping @Sendable (_ path: String) -> stat?
    ) {
        self.open = open
        self.names = names
        self.status = status
    }

    /// By the system's calls; root doesn't go where others lead it (see FileReach).
    public static let direct = FileAccess(open: openFile, names: namesInDirectory, status: statusOfFile)
}

@Sendable private func openFile(_ path: String) throws(FileAccess.SystemError) -> CInt {
    // The system would take the part before a zero byte for the whole path.
    guard !path.utf8.contains(0) else { throw FileAccess.SystemError(code: ENOENT) }
    do throws(FileError) {
        return try FileReach(path).open(O_RDONLY)
    } catch {
        throw FileAccess.SystemError(error)
    }
}

@Sendable private func namesInDirectory(_ directory: String) throws(FileAccess.SystemError) -> [String] {
    let reach: FileReach
    do throws(FileError) {
        reach = try FileReach(directory)
    } catch {
        throw FileAccess.SystemError(error)
    }
    guard let stream = reach.act({ opendir(reach.path) }) else { throw FileAccess.SystemError(code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
        errno = 0
        guard let entry = readdir(stream) else {
            guard errno == 0 else { throw FileAccess.SystemError(code: errno) }
            return names
        }
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        names.append(name)
    }
}

@Sendable private func statusOfFile(_ path: String) -> stat? {
    guard let reach = try? FileReach(path) else { return nil }
    var status = stat()
    return reach.act { stat(reach.path, &status) } == 0 ? status : nil
}

/// Why a file can't be read.
package struct FileReadError: Error, Equatable, CustomStringConvertible {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    /// What is wrong, to follow the file's name.
    package var description: String { message }

    /// Whether there is no such file.
    var isMissing: Bool { self == FileReadError(code: ENOENT) }

    /// What the system answered.
    init(code: CInt) {
        switch code {
        case ENOENT: message = "file does not exist"
        case EACCES, EPERM: message = "no permission to read it"
        default: message = "it can't be read (\(String(cString: strerror(code))))"
        }
    }
}

/// The bytes of a regular file that has at most `limit` of them.
///
/// Nothing else is read: a pipe or a device could keep the reader waiting for ever.
package func contents(
    of path: String, limit: Int, through access: FileAccess = .direct
) throws(FileReadError) -> [UInt8] {
    let descriptor: CInt
    do throws(FileAccess.SystemError) {
        descriptor = try access.open(path)
    } catch {
        throw error.message.map { FileReadError("\(path): it \($0)") } ?? FileReadError(code: error.code)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileReadError(code: errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileReadError("it is a directory")
    default: throw FileReadError("it is not a regular file")
    }
    return try contents(of: descriptor, size: Int(status.st_size), limit: limit)
}

/// Reads up to the end, wherever that is by now: `size` is where it was.
private func contents(of descriptor: CInt, size: Int, limit: Int) throws(FileReadError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    if size <= limit { bytes.reserveCapacity(size) }
    var total = size
    while total <= limit {
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { return bytes }
        if count > 0 {
            bytes += chunk[..<count]
            total = max(total, bytes.count)
        } else if errno != EINTR {
            throw FileReadError(code: errno)
        }
    }
    throw FileReadError("it has \(total) bytes, more than the \(limit) that are read")
}

/// What tells whether a file is another one or has other contents than before.
struct FileStamp: Sendable, Equatable {
    private let path: String
    private let device: UInt64
    /// 0 where there is no file.
    private let inode: UInt64
    private let size: Int64
    /// When the contents changed, and when anything did: its rights, too.
    private let times: [Int]

    /// Looks at the file of that path.
    init(path: String, through access: FileAccess) {
        let found = access.status(path)
        let isThere = found != nil
        let status = found ?? stat()
        self.path = path
        device = isThere ? UInt64(status.st_dev) : 0
        inode = isThere ? UInt64(status.st_ino) : 0
        size = isThere ? Int64(status.st_size) : 0
        let (contents, anything) = (status.st_mtim, status.st_ctim)
        times = isThere ? [contents.tv_sec, contents.tv_nsec, anything.tv_sec, anything.tv_nsec] : []
    }
}
