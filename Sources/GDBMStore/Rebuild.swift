import CGDBM
import Glibc

/// Makes a new file out of what can be read of an old one, beside it.
///
/// A process that is killed while it writes leaves free space listed that is in use: nothing is wrong to see, until the
/// next entries are written over others. So a file that wasn't closed properly is rewritten from its entries.
struct Rebuild {
    /// The new file.
    let path: String
    /// How many entries it has.
    private(set) var entries = 0
    /// Buckets and entries that couldn't be read.
    private(set) var damaged = 0

    /// Entries in a step.
    private static let slice = 10_000

    /// Rewrites the file; nothing is left of an attempt that fails.
    ///
    /// - Parameters:
    ///   - file: a descriptor of the old one
    ///   - original: where the old one is
    init(of file: CInt, at original: String) throws(GDBMError) {
        path = original + "-rebuild"
        // One that was interrupted may have left it.
        unlink(path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0o600)
        guard descriptor >= 0 else { throw GDBMError(GDBM_FILE_OPEN_ERROR, system: errno) }
        defer { close(descriptor) }
        do throws(GDBMError) {
            try copy(from: file, to: descriptor)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Removes the new file: it isn't wanted.
    func discard() {
        unlink(path)
    }

    private mutating func copy(from old: CInt, to new: CInt) throws(GDBMError) {
        var status = stat()
        if fstat(old, &status) == 0 {
            // Another owner is only for root to give; without him the file is ours, and that is enough.
            _ = fchown(new, status.st_uid, status.st_gid)
            fchmod(new, status.st_mode & 0o777)
        }
        let walk = try EntryWalk(old)
        let handle = try Handle(new, name: path)
        var position: WalkPosition?
        repeat {
            let slice = walk.slice(from: position, limit: Self.slice)
            for entry in slice.entries { try handle.store(entry) }
            entries += slice.entries.count
            damaged += slice.damaged
            position = slice.next
        } while position != nil
        try handle.sync()
    }
}
