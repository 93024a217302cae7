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
        let sentence: String?

        /// That errno.
        public init(code: CInt) {
            self.code = code
            sentence = nil
        }

        /// What root doesn't follow a path for; the rest is said by the number.
        init(_ error: FileError) {
            code = error.code
            sentence = error.code == EPERM && !error.isSystems ? error.sentence : nil
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
