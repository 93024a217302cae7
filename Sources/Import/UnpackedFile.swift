import FileCalls
import Glibc
import SystemPackage

/// What a file says, unpacked by the program for it where it is compressed.
final class UnpackedFile {
    /// A form of compression, and the program that undoes it.
    private struct Compression {
        /// What a file of this form begins with.
        let start: [UInt8]
        let program: String
        /// Debian's package with it.
        let package: String
        /// Its statuses when all is unpacked: the second one is for a warning, of bytes behind the end.
        var success: Set<CInt> = [0]

        static let all = [
            Compression(start: [0x1f, 0x8b], program: "gzip", package: "gzip", success: [0, 2]),
            Compression(
                start: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], program: "xz", package: "xz-utils", success: [0, 2]),
            Compression(start: [0x28, 0xb5, 0x2f, 0xfd], program: "zstd", package: "zstd"),
            Compression(start: Array("BZh".utf8), program: "bzip2", package: "bzip2"),
        ]
    }

    /// A process that unpacks, and what it has to end with.
    private struct Child {
        let process: pid_t
        let compression: Compression
    }

    /// Where programs that unpack are looked for.
    static let tools = ["/usr/bin", "/bin", "/usr/local/bin"]

    private let name: String
    /// The file, which is its owner's, or the end of a pipe, which is ours.
    private let source: FileDescriptor
    private var child: Child?

    /// Goes to the beginning of a file, and starts the program where one is needed.
    ///
    /// - Parameter tools: where programs are looked for
    init(_ log: MailLog, tools: [String]) throws(ImportError) {
        name = log.name
        guard let compression = try Self.compression(of: log) else {
            source = log.file
            return
        }
        let paths = tools.map { "\($0)/\(compression.program)" }
        guard let path = paths.first(where: { access($0, X_OK) == 0 }) else {
            throw ImportError(
                .tool, log.name, "it is compressed; to read it, install Debian's package \(compression.package)")
        }
        let (output, input) = try Self.pipe()
        defer { try? input.close() }
        do throws(Errno) {
            let process = try OtherProgram(path, ["-d", "-c"], as: log.user)
                .start(input: log.file, output: input, errors: nil)
            child = Child(process: process, compression: compression)
            source = output
        } catch {
            try? output.close()
            throw ImportError(.tool, path, "it can't be run (\(error))")
        }
    }

    deinit {
        guard let child else { return }
        kill(child.process, SIGKILL)
        try? source.close()
        _ = try? OtherProgram.wait(for: child.process)
    }

    /// Reads what comes next; 0 when that was all.
    ///
    /// May block.
    func read(into buffer: inout [UInt8]) throws(ImportError) -> Int {
        let count: Int
        do throws(Errno) {
            count = try systemCall { try buffer.withUnsafeMutableBytes { try source.read(into: $0) } }
        } catch {
            throw ImportError(.unreadable, name, "it can't be read (\(error))")
        }
        if count == 0 { try finish() }
        return count
    }

    /// What it has to end with is known only at the end.
    private func finish() throws(ImportError) {
        guard let child else { return }
        try? source.close()
        self.child = nil
        let status = try? OtherProgram.wait(for: child.process)
        guard let status, child.compression.success.contains(status) else {
            throw ImportError(
                .incomplete, name,
                "it is damaged or cut off (\(child.compression.program) ended with status \(status ?? -1))")
        }
    }

    /// A pipe that no program inherits but by its standard streams.
    private static func pipe() throws(ImportError) -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else {
            throw ImportError(.tool, "pipe", "it can't be made (\(Errno(rawValue: errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    /// How a file is compressed; nil where it isn't.
    ///
    /// What is read next is its beginning.
    private static func compression(of log: MailLog) throws(ImportError) -> Compression? {
        var start = [UInt8](repeating: 0, count: 6)
        do throws(Errno) {
            _ = try systemCall { try log.file.seek(offset: 0, from: .start) }
            let count = try systemCall {
                try start.withUnsafeMutableBytes { try log.file.read(fromAbsoluteOffset: 0, into: $0) }
            }
            start.removeSubrange(count...)
        } catch {
            throw ImportError(.unreadable, log.name, "it can't be read twice (\(error))")
        }
        return Compression.all.first { start.starts(with: $0.start) }
    }
}
