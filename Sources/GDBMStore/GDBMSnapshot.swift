import FileCalls
import FileStorage
import Glibc
import NIOConcurrencyHelpers
public import Storage
import SystemPackage

/// What a GNU dbm file has at a moment, read from a copy: another process may have it open all the while.
///
/// The lock of GNU dbm keeps readers out as long as somebody writes, and the running TPRT 0.9.3 always has it. The copy
/// has no name: it is gone when it is closed, or when the process ends.
public final class GDBMSnapshot: EntrySource {
    /// Whether nobody was seen to write while it was copied.
    ///
    /// If not, entries that were written in these moments may be missing.
    public let isSteady: Bool
    /// What of the file couldn't be read; nil where all of it could.
    public let flaw: String?
    private let url: String
    private let table: Table
    /// Nil when it is closed.
    private let descriptor: NIOLockedValueBox<FileDescriptor?>

    /// How often to copy, for a moment without a write.
    private static let tries = 5

    /// Copies the file, and looks through the copy.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - table: what it holds
    ///   - directory: where to put the copy; nil for the file's own or, where that can't be, `TMPDIR` or `/tmp`
    ///   - isSalvaged: whether to make do with what can be read of a damaged file, which is refused otherwise
    public init(
        of path: String, holding table: Table, in directory: String? = nil, isSalvaged: Bool = false
    ) throws(StoreError) {
        let url = "gdbm://\(path)"
        let original: FileDescriptor
        do throws(Errno) {
            original = try systemCall {
                try FileDescriptor.open(
                    path, .readOnly, options: [.closeOnExec, .noControllingTerminal, .nonBlocking])
            }
        } catch {
            throw StoreError.system(error, url)
        }
        defer { try? original.close() }
        let copy = try Self.makeFile(for: path, in: directory)
        do throws(StoreError) {
            (isSteady, flaw) = try Self.copySound(original, to: copy, url)
            if let flaw, !isSalvaged { throw StoreError(.corrupt, flaw) }
        } catch {
            try? copy.close()
            throw error
        }
        self.url = url
        self.table = table
        descriptor = NIOLockedValueBox(copy)
    }

    deinit {
        closeCopy()
    }

    /// How many entries it has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        table == self.table ? try walk()?.count() ?? 0 : 0
    }

    /// Reads a slice, in the file's own order; the other table is empty.
    ///
    /// Blocks while it reads.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        guard table == self.table, let walk = try walk() else { return ScannedSlice(entries: [], next: nil) }
        return ScannedSlice(walk.slice(from: cursor?.position, limit: limit))
    }

    /// Gives the copy up.
    public func close() async {
        closeCopy()
    }

    private func closeCopy() {
        descriptor.withLockedValue { descriptor in
            try? descriptor?.close()
            descriptor = nil
        }
    }

    /// Nil for a file of no bytes, which is a database without entries.
    private func walk() throws(StoreError) -> EntryWalk? {
        guard let descriptor = descriptor.withLockedValue({ $0 }) else {
            throw StoreError(.unavailable, "\(url): is closed")
        }
        if descriptor.size == 0 { return nil }
        do throws(GDBMError) { return try EntryWalk(descriptor) } catch { throw error.storeError(url: url) }
    }

    private static func makeFile(for path: String, in directory: String?) throws(StoreError) -> FileDescriptor {
        if let directory { return try makeFile(in: directory) }
        let own = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        do throws(StoreError) {
            return try makeFile(in: own)
        } catch {
            return try makeFile(in: getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        }
    }

    private static func makeFile(in directory: String) throws(StoreError) -> FileDescriptor {
        var name = Array("\(directory)/.tprt-snapshot-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw StoreError.system(Errno(rawValue: errno), "a copy in \(directory)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(name)
        return FileDescriptor(rawValue: descriptor)
    }

    /// Copies until nothing seems to be damaged: a copy that was made amid a write looks so, too.
    private static func copySound(
        _ original: FileDescriptor, to copy: FileDescriptor, _ url: String
    ) throws(StoreError) -> (isSteady: Bool, flaw: String?) {
        var flaw: String?
        for attempt in 0..<tries {
            if attempt > 0 { usleep(100_000) }
            let isSteady = try Self.copy(original, to: copy, url)
            if copy.size == 0 { return (isSteady, nil) }
            let walk: EntryWalk
            do throws(GDBMError) {
                walk = try EntryWalk(copy)
            } catch {
                throw StoreError(.corrupt, "\(url): is not a database of GNU dbm, or its header is damaged")
            }
            let extent = walk.extent()
            if extent.damaged == 0 { return (isSteady, nil) }
            flaw =
                "\(url): damaged: \(extent.entries) entries can be read, and \(extent.damaged) entries or buckets "
                + "of entries can't"
        }
        return (false, flaw)
    }

    /// Copies until the file stayed the same meanwhile; returns whether it did.
    ///
    /// A process that writes through a map of the file, as TPRT 0.9.3 does, doesn't always change the time of the file.
    private static func copy(
        _ original: FileDescriptor, to copy: FileDescriptor, _ url: String
    ) throws(StoreError) -> Bool {
        for _ in 0..<tries {
            let before = original.version
            guard before.isRegular else { throw StoreError(.cannotCreate, "\(url): is not a regular file") }
            do throws(Errno) {
                try systemCall { try copy.resize(to: 0) }
                try original.append(to: copy)
            } catch {
                throw StoreError.system(error, url)
            }
            if original.version == before { return true }
        }
        return false
    }
}

/// What changes when a file is written.
private struct Version: Equatable {
    var size = 0
    var seconds = 0
    var nanoseconds = 0
    var isRegular = false
}

extension FileDescriptor {
    fileprivate var version: Version {
        guard let status = try? Stat(self) else { return Version() }
        let change = status.st_mtim
        return Version(
            size: Int(status.size), seconds: change.tv_sec, nanoseconds: change.tv_nsec,
            isRegular: status.type == .regular)
    }

    fileprivate var size: Int { version.size }

    /// Writes everything that is in this file to another one, from its beginning.
    fileprivate func append(to copy: FileDescriptor) throws(Errno) {
        try systemCall {
            try withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 16) { buffer in
                var offset: Int64 = 0
                while true {
                    let count = try read(fromAbsoluteOffset: offset, into: buffer)
                    if count == 0 { return }
                    try copy.writeAll(toAbsoluteOffset: offset, buffer[..<count])
                    offset += Int64(count)
                }
            }
        }
    }
}
