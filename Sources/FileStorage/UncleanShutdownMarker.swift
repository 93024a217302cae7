import FileCalls
import SystemPackage

/// A file beside the database, `NAME-open`, that is there as long as the database is open.
///
/// One that is found at open tells of an unclean shutdown. Its content says what that may have done to the database:
///
/// - the ID of this boot: the process was killed. What it had written is in the kernel's memory, so the database is as
///   whole as the library keeps it, and needs no check;
/// - the ID of another boot: the machine went down, and the database is to be checked;
/// - nothing: it is unknown, and the database is to be checked.
///
/// A process may also have been ended by damage in the database, again and again. Nobody can tell that from a kill: a
/// process that hangs is killed, too. So an ID counts once: it is taken away as soon as it is found, and the database is
/// vouched for again only when it was checked or had been closed. Whatever damage ends processes is found at the second
/// start after the first end, at the latest.
///
/// The content needn't survive a crash of the machine: after one, it says nothing that counts.
public struct UncleanShutdownMarker: Sendable {
    /// What was there before.
    public enum Finding: Sendable {
        /// No marker of ours: the database was closed, or is new.
        case nothing
        /// A marker of this boot: the process was killed.
        case thisBoot
        /// A marker of another boot, or one that says nothing.
        case unknown
    }

    /// What was there before.
    public let finding: Finding
    private let path: String
    private let boot: BootID?

    private enum Content {
        case nothing
        case boot(BootID)
    }

    /// Makes the marker, empty, or empties the one that is there.
    ///
    /// Where it can't be made (a directory that may only be read), there is none; where it can't be emptied, its content
    /// doesn't count.
    ///
    /// - Parameters:
    ///   - database: the file of the database
    ///   - boot: which boot this is; nil where that is unknown, or of no use to the database
    public init(beside database: String, boot: BootID?) {
        path = database + "-open"
        self.boot = boot
        if let made = try? Self.open(path, .writeOnly, [.create, .exclusiveCreate]) {
            try? made.close()
            finding = .nothing
            return
        }
        guard let content = Self.content(of: path) else {
            finding = .nothing
            return
        }
        if Self.empty(path), case .boot(let former) = content, former == boot {
            finding = .thisBoot
        } else {
            finding = .unknown
        }
    }

    /// Notes that the database was sound in this boot: should the process be killed, it needs no check.
    ///
    /// To be called when the database was checked and is open, not before: a check that is cut short must be done again.
    public func vouch() {
        guard let boot, Self.content(of: path) != nil else { return }
        guard let marker = try? Self.open(path, .writeOnly, .truncate) else { return }
        defer { try? marker.close() }
        let content = boot.digits + [UInt8(ascii: "\n")]
        // A part of it would be no marker.
        if (try? content.withUnsafeBytes { try marker.write($0) }) != Self.size { try? marker.resize(to: 0) }
    }

    /// Removes the marker: the database is closed.
    public func remove() {
        if Self.content(of: path) != nil { try? FileNames.remove(path) }
    }

    /// The length of the content that is written.
    private static let size = 33

    private static func open(
        _ path: String, _ mode: FileDescriptor.AccessMode, _ options: FileDescriptor.OpenOptions = []
    ) throws(Errno) -> FileDescriptor {
        try systemCall {
            try FileDescriptor.open(
                path, mode,
                options: options.union([.closeOnExec, .noControllingTerminal, .noFollow, .nonBlocking]),
                permissions: .ownerReadWrite)
        }
    }

    /// Takes the content away; returns whether it is gone.
    private static func empty(_ path: String) -> Bool {
        guard let marker = try? open(path, .writeOnly) else { return false }
        defer { try? marker.close() }
        return (try? marker.resize(to: 0)) != nil
    }

    /// What one of ours says; nil for another file that happens to have the name, and is left alone.
    private static func content(of path: String) -> Content? {
        guard let status = try? Stat(path, followTargetSymlink: false), status.type == .regular,
            status.size <= BootID.longestSpelling + 1
        else { return nil }
        if status.size == 0 { return .nothing }
        let marker: FileDescriptor
        do throws(Errno) {
            marker = try open(path, .readOnly)
        } catch {
            // The files beside a database that was given to another user may still be the former one's.
            return error == .permissionDenied && status.size == Self.size ? .nothing : nil
        }
        defer { try? marker.close() }
        let bytes = [UInt8](unsafeUninitializedCapacity: BootID.longestSpelling + 2) { buffer, count in
            count = (try? marker.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        // Some file systems have the length on disk before the content, and zeros after a crash.
        if bytes.allSatisfy({ $0 == 0 }) { return .nothing }
        guard bytes.last == UInt8(ascii: "\n"), let boot = BootID(bytes.dropLast()) else { return nil }
        return .boot(boot)
    }
}
