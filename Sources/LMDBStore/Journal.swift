import FileStorage
import Glibc
import Greylist
import Storage

/// The files to which batches are appended before they are answered, until the tree has them: `NAME-journal-0` and
/// `NAME-journal-1`.
///
/// A generation is what is written between two writes of the tree. Each begins in the other file, so that one can be
/// written while the tree takes the one before in; files are written over, not truncated, which spares the file system
/// an entry of its own journal at each sync.
///
/// After the first fault nothing is appended any more until the tree has taken everything in: what a failed sync left on
/// disk nobody knows.
struct Journal {
    /// The generation that is being written.
    private(set) var generation: UInt64
    let database: UInt64
    private let path: String
    /// Of the two files; -1 where it isn't open.
    private var descriptors: [CInt] = [-1, -1]
    private var header: JournalHeader
    /// Where the next frame goes; 0 before the header is written.
    private(set) var size = 0
    private var frames: UInt64 = 0
    /// What went wrong: an error number; nil while all is well.
    private(set) var fault: CInt?

    /// A journal of which nothing is written.
    ///
    /// - Parameters:
    ///   - path: the file of the tree
    ///   - generation: later than any that there was
    init(beside path: String, database: UInt64, generation: UInt64) {
        self.path = path
        self.database = database
        self.generation = generation
        header = JournalHeader(database: database, generation: generation)
    }

    static func names(beside path: String) -> [String] {
        [path + "-journal-0", path + "-journal-1"]
    }

    /// Throws where a journal of the format before this one lies there that may have entries.
    ///
    /// It isn't read, and nobody else will bring it into the tree: a store that was opened all the same would do without what
    /// was answered last, and write that over.
    static func refuseFormerFormat(beside path: String) throws(StoreError) {
        for name in names(beside: path) where isFile(name) {
            guard JournalHeader.beginsFormer(try read(name, upTo: JournalHeader.size + 1)) else { continue }
            throw StoreError(
                .corrupt,
                "lmdb://\(path): journal \(name) was written by an earlier version of TPRT and may have entries that the "
                    + "database doesn't have: start that version once and stop it properly first")
        }
    }

    /// What lies in the places of the journals of a database, beside its tree.
    static func find(beside path: String, of database: UInt64) throws(StoreError) -> JournalFindings {
        var findings = JournalFindings()
        for name in names(beside: path) where isFile(name) {
            let start = try read(name, upTo: JournalHeader.size)
            guard let header = start.withUnsafeBytes({ JournalHeader($0) }) else {
                if !JournalHeader.begins(start), start.contains(where: { $0 != 0 }) {
                    findings.strange.append(name)
                } else {
                    let bytes = try read(name)
                    // Zeros only are what a power cut leaves of a file that had just begun to grow.
                    if bytes.contains(where: { $0 != 0 }) { findings.headless.append((name, bytes.count)) }
                }
                continue
            }
            guard header.database == database else {
                findings.strange.append(name)
                continue
            }
            if var journal = try read(name).withUnsafeBytes({ JournalContents($0) }) {
                journal.name = name
                findings.contents.append(journal)
            }
        }
        findings.contents.sort { $0.header.generation < $1.header.generation }
        return findings
    }

    /// The number of the database whose journals lie beside a tree that is damaged; nil where they don't agree, or there
    /// is none.
    static func database(beside path: String) -> UInt64? {
        let numbers = names(beside: path).filter { isFile($0) }.compactMap { name in
            (try? read(name, upTo: JournalHeader.size))?.withUnsafeBytes { JournalHeader($0)?.database }
        }
        guard let first = numbers.first, numbers.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// Renames a damaged journal to `NAME.corrupt-TIME`; returns its new name.
    static func quarantine(_ name: String, at now: Timestamp) throws(StoreError) -> String {
        let newName = DatabaseFile.freeName(of: name, at: now)
        guard rename(name, newName) == 0 else { throw StoreError.system(errno, "lmdb://\(name)") }
        return newName
    }

    /// Renames a file that is in the place of a journal and is none; returns its new name.
    static func quarantine(foreign name: String) throws(StoreError) -> String {
        var number = 1
        while access("\(name).other-\(number)", F_OK) == 0 { number += 1 }
        guard rename(name, "\(name).other-\(number)") == 0 else { throw StoreError.system(errno, "lmdb://\(name)") }
        return "\(name).other-\(number)"
    }

    /// Appends a frame with a single write, and syncs it where that is wanted; returns whether it is there.
    mutating func append(_ frame: inout JournalFrame, isSynced: Bool) -> Bool {
        guard fault == nil else { return false }
        let index = Int(generation & 1)
        if descriptors[index] < 0 { descriptors[index] = makeFile(Self.names(beside: path)[index]) }
        let descriptor = descriptors[index]
        guard descriptor >= 0 else { return fail() }
        frame.seal(number: frames, for: header)
        let bytes = size == 0 ? header.bytes + frame.bytes : frame.bytes
        guard Self.write(bytes, to: descriptor, at: size), !isSynced || fdatasync(descriptor) == 0 else {
            return fail()
        }
        size += bytes.count
        frames += 1
        return true
    }

    /// Begins the next generation in the other file.
    ///
    /// - Parameter isAllApplied: whether the tree has everything, that of the generation that ends as well
    mutating func turn(isAllApplied: Bool) {
        if isAllApplied, fault != nil { removeFiles() }
        generation += 1
        header = JournalHeader(database: database, generation: generation)
        (size, frames) = (0, 0)
    }

    /// Closes the files, and leaves them.
    mutating func close() {
        for index in descriptors.indices where descriptors[index] >= 0 {
            Glibc.close(descriptors[index])
            descriptors[index] = -1
        }
    }

    /// Closes and removes the files: the tree has everything.
    mutating func removeFiles() {
        close()
        for name in Self.names(beside: path) where Self.isFile(name) { unlink(name) }
        fault = nil
    }

    /// Whether the files that are open still have their names: what is written to others dies with the process.
    var isInPlace: Bool {
        zip(descriptors, Self.names(beside: path)).allSatisfy { descriptor, name in
            descriptor < 0 || DatabaseFile.isAt(name, descriptor)
        }
    }

    private mutating func fail() -> Bool {
        fault = errno == 0 ? EIO : errno
        return false
    }

    /// Opens a file for writing; makes it if need be, with the owner and the mode of the tree, for good.
    private func makeFile(_ name: String) -> CInt {
        let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { return -1 }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(descriptor)
            errno = EINVAL
            return -1
        }
        var tree = stat()
        if stat(path, &tree) == 0, status.st_uid != tree.st_uid || status.st_mode != tree.st_mode {
            // Where it can't be done the file is ours alone.
            if fchown(descriptor, tree.st_uid, tree.st_gid) == 0 { fchmod(descriptor, tree.st_mode & 0o666) }
        }
        let directory = open(
            path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            Glibc.close(descriptor)
            return -1
        }
        defer { Glibc.close(directory) }
        guard fsync(directory) == 0 else {
            let fault = errno
            Glibc.close(descriptor)
            errno = fault
            return -1
        }
        return descriptor
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt, at offset: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
                if count > 0 { written += count } else if count == 0 || errno != EINTR { return false }
            }
            return true
        }
    }

    private static func isFile(_ name: String) -> Bool {
        var status = stat()
        return lstat(name, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    private static func read(_ name: String, upTo limit: Int = .max) throws(StoreError) -> [UInt8] {
        let descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { throw StoreError.system(errno, "lmdb://\(name)") }
        defer { Glibc.close(descriptor) }
        let size = min(Int(status.st_size), limit)
        return [UInt8](unsafeUninitializedCapacity: size) { target, count in
            guard let start = target.baseAddress else { return }
            while count < size {
                let read = pread(descriptor, start + count, size - count, off_t(count))
                // What a disk can't read any more is lost, and what follows it.
                if read > 0 { count += read } else if read == 0 || errno != EINTR { return }
            }
        }
    }
}
