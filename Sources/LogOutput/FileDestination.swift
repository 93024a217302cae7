import Bytes
import FileCalls
import Glibc
import Greylist
import NIOCore
public import SystemPackage
public import TrustedFiles

public import struct SystemPackage.FileDescriptor

extension LogDestination {
    /// Opens a log file for appending: the descriptor, which closes on exec, is the caller's.
    public typealias FileOpener = @Sendable (_ path: String) throws(LogFileError) -> FileDescriptor

    /// A log file.
    ///
    /// It is opened at once, and again by `LogSink.reopen` and when another file, or none, lies at its path: that is
    /// looked at before lines are written, at most once a second.
    ///
    /// - Parameters:
    ///   - path: absolute
    ///   - linePrefix: what a line of the postgrey format, which has no time, has before it beside the time and the number
    ///     of the process: a blank, the host, a blank, the program; nil where lines need no time
    ///   - open: opens the file; what opens it in place of the process where its directory is out of reach, as in a chroot
    /// - Throws: the error of the first opening
    public static func file(
        _ path: String, linePrefix: String?, open: @escaping FileOpener = openFile
    ) throws(LogFileError) -> LogDestination {
        let descriptor = try open(path)
        return LogDestination(
            writer: FileWriter(path: path, open: open, linePrefix: linePrefix, output: LineOutput(descriptor)))
    }

    /// Opens a file by its path, and makes it where there is none: for its owner to write, and its group to read.
    @Sendable public static func openFile(_ path: String) throws(LogFileError) -> FileDescriptor {
        do throws(FileError) {
            return try FileReach(path).open(.writeOnly, options: [.append, .create], permissions: rights)
        } catch {
            throw LogFileError(error)
        }
    }

    /// Opens a file for a user that root is about to become, who has to be able to open it again.
    ///
    /// Root itself opens only what it makes, in a directory where nobody else can make anything, and gives only that to the
    /// user. Whatever is there already is opened as that user.
    public static func openFile(_ path: String, for service: FileUser) throws(LogFileError) -> FileDescriptor {
        do throws(FileError) {
            let reach = try FileReach(path, service: service)
            if reach.isRoots {
                do throws(Errno) {
                    let descriptor = try open(reach.path, [.create, .exclusiveCreate, .noFollow])
                    try? descriptor.setOwner(UserID(service.user), GroupID(service.group))
                    return descriptor
                } catch {
                    guard error == .fileExists else { throw FileError(reach.path, error.rawValue) }
                }
            }
            guard service.canBeActed else { throw FileError(reach.path, cantBe: service) }
            do throws(Errno) {
                return try service.act { () throws(Errno) in
                    try open(reach.path, reach.isRoots ? .noFollow : .create)
                }
            } catch {
                throw FileError(reach.path, error.rawValue, as: service)
            }
        } catch {
            throw LogFileError(error)
        }
    }

    /// The rights of a log file that is made.
    private static let rights: FilePermissions = [.ownerReadWrite, .groupRead]

    private static func open(
        _ path: String, _ options: FileDescriptor.OpenOptions
    ) throws(Errno) -> FileDescriptor {
        let always: FileDescriptor.OpenOptions = [.append, .closeOnExec, .noControllingTerminal, .nonBlocking]
        return try systemCall {
            try FileDescriptor.open(path, .writeOnly, options: always.union(options), permissions: rights)
        }
    }
}

private struct FileWriter: LogWriter {
    private static let pause = TimeAmount.seconds(1)

    let takesFields = false
    let path: String
    let open: LogDestination.FileOpener
    let linePrefix: String?
    var output: LineOutput
    private var lines: [UInt8] = []
    private var nextLook = NIODeadline.now() + Self.pause

    init(path: String, open: @escaping LogDestination.FileOpener, linePrefix: String?, output: LineOutput) {
        self.path = path
        self.open = open
        self.linePrefix = linePrefix
        self.output = output
    }

    mutating func write(_ records: LogRecords) -> Int {
        if NIODeadline.now() >= nextLook { reopen() }
        // Not kept: a process that forks has another one.
        let process = Int(getpid())
        lines.removeAll(keepingCapacity: true)
        records.forEachRecord { _, time, text in
            if let linePrefix {
                lines.append(rfc3339: time)
                lines.append(linePrefix)
                lines.append(word: "[")
                lines.append(decimal: process)
                lines.append(word: "]: ")
            }
            lines.append(text)
            lines.append(UInt8(ascii: "\n"))
        }
        return output.write(lines)
    }

    /// Changes to the file that lies at the path now; the old one goes on being written where that can't be opened.
    mutating func reopen() {
        nextLook = .now() + Self.pause
        guard let descriptor = try? open(path) else { return }
        let old = output.descriptor
        if descriptor.isSameFile(as: old) {
            try? descriptor.close()
        } else {
            output = LineOutput(descriptor)
            try? old.close()
        }
    }
}

extension FileDescriptor {
    /// Whether both descriptors are of one file.
    fileprivate func isSameFile(as other: FileDescriptor) -> Bool {
        guard let mine = try? Stat(self), let others = try? Stat(other) else { return false }
        return mine.isSameFile(as: others)
    }
}

/// Why a log file can't be opened.
public struct LogFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the system answered.
    public let number: Errno
    /// What else is to be said; nil where the number says it.
    private let message: String?

    /// What the system answered, and what is wrong where that doesn't say it.
    public init(number: Errno, message: String? = nil) {
        self.number = number
        self.message = message
    }

    init(_ error: FileError) {
        self.init(number: Errno(rawValue: error.code), message: error.isSystems ? nil : error.message)
    }

    /// The text of it.
    public var description: String { message ?? "\(number)" }
}
