import FileCalls
import FileStorage
import Greylist
import Storage
import SystemPackage

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
    /// Of the two files; nil where it isn't open.
    private var descriptors: [FileDescriptor?] = [nil, nil]
    private var header: JournalHeader
    /// Where the next frame goes; 0 before the header is written.
    private(set) var size = 0
    private var frames: UInt64 = 0
    /// What went wrong; nil while all is well.
    private(set) var fault: Errno?

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
        try rename(name, to: newName)
        return newName
    }

    /// Renames a file that is in the place of a journal and is none; returns its new name.
    static func quarantine(foreign name: String) throws(StoreError) -> String {
        var number = 1
        while FileNames.exists("\(name).other-\(number)") { number += 1 }
        try rename(name, to: "\(name).other-\(number)")
        return "\(name).other-\(number)"
    }

    private static func rename(_ name: String, to other: String) throws(StoreError) {
        do throws(Errno) { try FileNames.rename(name, to: other) } catch { throw .system(error, "lmdb://\(name)") }
    }

    /// Appends a frame with a single write, and syncs it where that is wanted; returns whether it is there.
    mutating func append(_ frame: inout JournalFrame, isSynced: Bool) -> Bool {
        guard fault == nil else { return false }
        let index = Int(generation & 1)
        do throws(Errno) {
            let descriptor: FileDescriptor
            if let open = descriptors[index] {
                descriptor = open
            } else {
                descriptor = try makeFile(Self.names(beside: path)[index])
                descriptors[index] = descriptor
            }
            frame.seal(number: frames, for: header)
            let bytes = size == 0 ? header.bytes + frame.bytes : frame.bytes
            try Self.write(bytes, to: descriptor, at: size)
            if isSynced { try descriptor.syncContents() }
            size += bytes.count
        } catch {
            fault = error
            return false
        }
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
        for index in descriptors.indices {
            try? descriptors[index]?.close()
            descriptors[index] = nil
        }
    }

    /// Closes and removes the files: the tree has everything.
    mutating func removeFiles() {
        close()
        for name in Self.names(beside: path) where Self.isFile(name) { try? FileNames.remove(name) }
        fault = nil
    }

    /// How long the files that are open are together, in bytes.
    var fileSize: Int {
        descriptors.compactMap { $0 }.reduce(0) { $0 + ((try? Stat($1)).map { Int($0.size) } ?? 0) }
    }

    /// Whether the files that are open still have their names: what is written to others dies with the process.
    var isInPlace: Bool {
        zip(descriptors, Self.names(beside: path)).allSatisfy { descriptor, name in
            descriptor.map { DatabaseFile.isAt(name, $0) } ?? true
        }
    }

    /// Opens a file for writing; makes it if need be, with the owner and the mode of the tree, for good.
    private func makeFile(_ name: String) throws(Errno) -> FileDescriptor {
        let descriptor = try Self.open(name, .readWrite, .create)
        do throws(Errno) {
            try adopt(descriptor)
        } catch {
            try? descriptor.close()
            throw error
        }
        return descriptor
    }

    private func adopt(_ descriptor: FileDescriptor) throws(Errno) {
        guard let status = try? Stat(descriptor), status.type == .regular else { throw .invalidArgument }
        if let tree = try? Stat(path), status.userID != tree.userID || status.mode != tree.mode {
            // Where it can't be done the file is ours alone.
            if (try? descriptor.setOwner(tree.userID, tree.groupID)) != nil {
                try? descriptor.setPermissions(tree.permissions.intersection(Self.mostRights))
            }
        }
        let name = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = try systemCall {
            try FileDescriptor.open(name, .readOnly, options: [.directory, .closeOnExec])
        }
        defer { try? directory.close() }
        try directory.sync()
    }

    /// A journal is never executed, whatever the mode of the tree.
    private static let mostRights = FilePermissions(rawValue: 0o666)

    private static func open(
        _ name: String, _ mode: FileDescriptor.AccessMode, _ options: FileDescriptor.OpenOptions = []
    ) throws(Errno) -> FileDescriptor {
        try systemCall {
            try FileDescriptor.open(
                name, mode,
                options: options.union([.closeOnExec, .noFollow, .noControllingTerminal, .nonBlocking]),
                permissions: .ownerReadWrite)
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: FileDescriptor, at offset: Int) throws(Errno) {
        var written = 0
        while written < bytes.count {
            let count = try systemCall {
                try bytes.withUnsafeBytes { bytes in
                    try descriptor.write(
                        toAbsoluteOffset: Int64(offset + written), UnsafeRawBufferPointer(rebasing: bytes[written...]))
                }
            }
            guard count > 0 else { throw .ioError }
            written += count
        }
    }

    private static func isFile(_ name: String) -> Bool {
        (try? Stat(name, followTargetSymlink: false))?.type == .regular
    }

    private static func read(_ name: String, upTo limit: Int = .max) throws(StoreError) -> [UInt8] {
        do throws(Errno) {
            let file = try open(name, .readOnly)
            defer { try? file.close() }
            let size = min(Int(try systemCall { try Stat(file) }.size), limit)
            return [UInt8](unsafeUninitializedCapacity: size) { target, count in
                while count < size {
                    let rest = UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(target)[count..<size])
                    // What a disk can't read any more is lost, and what follows it.
                    guard let read = try? file.read(fromAbsoluteOffset: Int64(count), into: rest), read > 0 else {
                        return
                    }
                    count += read
                }
            }
        } catch {
            throw .system(error, "lmdb://\(name)")
        }
    }
}
