import FileCalls
import Glibc
public import Greylist
public import SystemPackage
import TrustedFiles

/// How files are reached: by the system's calls, or by a process that reaches what this one doesn't, as from a chroot.
///
/// All of it may block.
public struct FileAccess: Sendable {
    /// What the system answered.
    public struct SystemError: Error, Equatable, Sendable {
        /// Its number.
        public let code: Errno
        /// What is wrong where the number doesn't say it.
        let message: String?

        /// That number.
        public init(code: Errno) {
            self.code = code
            message = nil
        }

        /// What root doesn't follow a path for; the rest is said by the number.
        init(_ error: FileError) {
            code = Errno(rawValue: error.code)
            message = error.code == EPERM && !error.isSystems ? error.message : nil
        }
    }

    /// Opens a file for reading; the descriptor is the caller's to close.
    public var open: @Sendable (_ path: String) throws(SystemError) -> FileDescriptor
    /// The names in a directory, in any order.
    public var names: @Sendable (_ directory: String) throws(SystemError) -> [String]
    /// What stat(2) says of a file or directory; nil where there is none.
    public var status: @Sendable (_ path: String) -> Stat?

    /// Files are reached in these ways.
    public init(
        open: @escaping @Sendable (_ path: String) throws(SystemError) -> FileDescriptor,
        names: @escaping @Sendable (_ directory: String) throws(SystemError) -> [String],
        status: @escaping @Sendable (_ path: String) -> Stat?
    ) {
        self.open = open
        self.names = names
        self.status = status
    }

    /// By the system's calls; root doesn't go where others lead it (see FileReach).
    public static let direct = FileAccess(open: openFile, names: namesInDirectory, status: statusOfFile)
}

@Sendable private func openFile(_ path: String) throws(FileAccess.SystemError) -> FileDescriptor {
    // The system would take the part before a zero byte for the whole path.
    guard !path.utf8.contains(0) else { throw FileAccess.SystemError(code: .noSuchFileOrDirectory) }
    do throws(FileError) {
        return try FileReach(path).open(.readOnly)
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
    do throws(Errno) {
        return try reach.act { () throws(Errno) in try FileNames.names(in: reach.path) }
    } catch {
        throw FileAccess.SystemError(code: error)
    }
}

@Sendable private func statusOfFile(_ path: String) -> Stat? {
    guard let reach = try? FileReach(path) else { return nil }
    return reach.act { try? Stat(reach.path) }
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
    var isMissing: Bool { self == FileReadError(code: .noSuchFileOrDirectory) }

    /// What the system answered.
    init(code: Errno) {
        switch code {
        case .noSuchFileOrDirectory: message = "file does not exist"
        case .permissionDenied, .notPermitted: message = "no permission to read it"
        default: message = "it can't be read (\(code))"
        }
    }
}

/// The bytes of a regular file that has at most `limit` of them.
///
/// Nothing else is read: a pipe or a device could keep the reader waiting for ever.
package func contents(
    of path: String, limit: Int, through access: FileAccess = .direct
) throws(FileReadError) -> [UInt8] {
    let descriptor: FileDescriptor
    do throws(FileAccess.SystemError) {
        descriptor = try access.open(path)
    } catch {
        throw error.message.map { FileReadError("\(path): it \($0)") } ?? FileReadError(code: error.code)
    }
    defer { try? descriptor.close() }
    let status: Stat
    do throws(Errno) { status = try Stat(descriptor) } catch { throw FileReadError(code: error) }
    switch status.type {
    case .regular: break
    case .directory: throw FileReadError("it is a directory")
    default: throw FileReadError("it is not a regular file")
    }
    return try contents(of: descriptor, size: Int(status.size), limit: limit)
}

/// Reads up to the end, wherever that is by now: `size` is where it was.
private func contents(of descriptor: FileDescriptor, size: Int, limit: Int) throws(FileReadError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    if size <= limit { bytes.reserveCapacity(size) }
    var total = size
    while total <= limit {
        let count: Int
        do throws(Errno) {
            count = try systemCall { try chunk.withUnsafeMutableBytes { try descriptor.read(into: $0) } }
        } catch {
            throw FileReadError(code: error)
        }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        total = max(total, bytes.count)
    }
    throw FileReadError("it has \(total) bytes, more than the \(limit) that are read")
}

/// What tells whether a file is another one or has other contents than before.
package struct FileStamp: Sendable, Equatable {
    package let path: String
    /// Nil where there is no file.
    private let device: DeviceID?
    private let inode: Inode?
    private let size: Int64
    /// When the contents changed, and when anything did: its rights, too.
    private let times: [Int]
    /// When the contents changed; nil where there is no regular file.
    package let modified: Timestamp?

    /// Looks at the file of that path.
    package init(path: String, through access: FileAccess) {
        let status = access.status(path)
        self.path = path
        device = status?.deviceID
        inode = status?.inode
        size = status?.size ?? 0
        times = status.map { [$0.st_mtim.tv_sec, $0.st_mtim.tv_nsec, $0.st_ctim.tv_sec, $0.st_ctim.tv_nsec] } ?? []
        modified = status.flatMap { $0.type == .regular ? Timestamp(seconds: Int64($0.st_mtim.tv_sec)) : nil }
    }
}

/// When the files of a list were changed last, as they were at its last reading.
public struct ListTimes: Sendable, Equatable {
    /// That of the file that is longest unchanged.
    public let oldest: Timestamp
    /// That of the file that was changed last.
    public let newest: Timestamp

    /// Those of these files; nil where none of them is there.
    package init?(_ stamps: some Sequence<FileStamp>) {
        let times = stamps.compactMap(\.modified)
        guard let oldest = times.min(), let newest = times.max() else { return nil }
        (self.oldest, self.newest) = (oldest, newest)
    }
}
