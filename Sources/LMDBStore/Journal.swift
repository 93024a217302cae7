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
    private let files: JournalFiles
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
    init(beside path: String, database: UInt64, generation: UInt64, files: JournalFiles = .system) {
        self.path = path
        self.files = files
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
        for name in names(beside: path) where JournalFiles.system.isFile(name) {
            let start = try JournalFiles.system.contents(of: name, upTo: JournalHeader.size + 1)
            guard JournalHeader.beginsFormer(start) else { continue }
            throw StoreError(
                .corrupt,
                "lmdb://\(path): journal \(name) was written by an earlier version of TPRT and may have entries that the "
                    + "database doesn't have: start that version once and stop it properly first")
        }
    }

    /// What lies in the places of the journals of a database, beside its tree.
    static func find(
        beside path: String, of database: UInt64, on files: JournalFiles = .system
    ) throws(StoreError) -> JournalFindings {
        var findings = JournalFindings()
        for name in names(beside: path) where files.isFile(name) {
            let start = try files.contents(of: name, upTo: JournalHeader.size)
            guard let header = start.withUnsafeBytes({ JournalHeader($0) }) else {
                if !JournalHeader.begins(start), start.contains(where: { $0 != 0 }) {
                    findings.strange.append(name)
                } else {
                    let bytes = try files.contents(of: name)
                    // Zeros only are what a power cut leaves of a file that had just begun to grow.
                    if bytes.contains(where: { $0 != 0 }) { findings.headless.append((name, bytes.count)) }
                }
                continue
            }
            guard header.database == database else {
                findings.strange.append(name)
                continue
            }
            if var journal = try files.contents(of: name).withUnsafeBytes({ JournalContents($0) }) {
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
        let files = JournalFiles.system
        let numbers = names(beside: path).filter(files.isFile).compactMap { name in
            (try? files.contents(of: name, upTo: JournalHeader.size))?.withUnsafeBytes { JournalHeader($0)?.database }
        }
        guard let first = numbers.first, numbers.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// Renames a damaged journal to `NAME.corrupt-TIME`; returns its new name.
    static func quarantine(
        _ name: String, at now: Timestamp, on files: JournalFiles = .system
    ) throws(StoreError) -> String {
        let newName = DatabaseFile.freeName(of: name, at: now)
        try files.move(name, to: newName)
        return newName
    }

    /// Renames a file that is in the place of a journal and is none; returns its new name.
    static func quarantine(foreign name: String, on files: JournalFiles = .system) throws(StoreError) -> String {
        var number = 1
        while FileNames.exists("\(name).other-\(number)") { number += 1 }
        try files.move(name, to: "\(name).other-\(number)")
        return "\(name).other-\(number)"
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
                descriptor = try files.open(Self.names(beside: path)[index], path)
                descriptors[index] = descriptor
            }
            frame.seal(number: frames, for: header)
            let bytes = size == 0 ? header.bytes + frame.bytes : frame.bytes
            try write(bytes, to: descriptor)
            if isSynced { try files.sync(descriptor) }
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
            if let descriptor = descriptors[index] { files.close(descriptor) }
            descriptors[index] = nil
        }
    }

    /// Closes and removes the files: the tree has everything.
    mutating func removeFiles() {
        close()
        for name in Self.names(beside: path) where files.isFile(name) { try? files.remove(name) }
        fault = nil
    }

    /// How long the files that are open are together, in bytes.
    var fileSize: Int {
        descriptors.compactMap { $0 }.reduce(0) { $0 + (files.size($1) ?? 0) }
    }

    /// Whether the files that are open still have their names: what is written to others dies with the process.
    var isInPlace: Bool {
        zip(descriptors, Self.names(beside: path)).allSatisfy { descriptor, name in
            descriptor.map { files.isAt(name, $0) } ?? true
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno) {
        var written = 0
        while written < bytes.count {
            let result = bytes.withUnsafeBytes { bytes in
                Result { () throws(Errno) in
                    try files.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]), size + written)
                }
            }
            let count = try result.get()
            guard count > 0 else { throw .ioError }
            written += count
        }
    }
}

extension JournalFiles {
    fileprivate func contents(of name: String, upTo limit: Int = .max) throws(StoreError) -> [UInt8] {
        do throws(Errno) { return try read(name, limit) } catch { throw .system(error, "lmdb://\(name)") }
    }

    fileprivate func move(_ name: String, to other: String) throws(StoreError) {
        do throws(Errno) { try rename(name, other) } catch { throw .system(error, "lmdb://\(name)") }
    }
}
