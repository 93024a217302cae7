import FileCalls
import FileStorage
import SystemPackage

/// The calls by which a journal gets at its files: the system's, or those of a test that has a disk of its own.
struct JournalFiles: Sendable {
    /// Whether there is a regular file of that name.
    var isFile: @Sendable (_ name: String) -> Bool
    /// What it holds, as far as that can be read; no more bytes than the limit.
    var read: @Sendable (_ name: String, _ limit: Int) throws(Errno) -> [UInt8]
    var rename: @Sendable (_ name: String, _ other: String) throws(Errno) -> Void
    var remove: @Sendable (_ name: String) throws(Errno) -> Void
    /// Opens a file for writing; makes it if need be, with the owner and the mode of the tree, for good.
    var open: @Sendable (_ name: String, _ tree: String) throws(Errno) -> FileDescriptor
    /// Writes some of the bytes, one at least; returns how many.
    var write: @Sendable (FileDescriptor, _ bytes: UnsafeRawBufferPointer, _ offset: Int) throws(Errno) -> Int
    /// Returns when what was written is on disk.
    var sync: @Sendable (FileDescriptor) throws(Errno) -> Void
    var close: @Sendable (FileDescriptor) -> Void
    /// How long an open file is; nil where that can't be told.
    var size: @Sendable (FileDescriptor) -> Int?
    /// Whether that name leads to the open file.
    var isAt: @Sendable (_ name: String, FileDescriptor) -> Bool
}

extension JournalFiles {
    /// A journal is never executed, whatever the mode of the tree.
    private static let mostRights = FilePermissions(rawValue: 0o666)

    /// The system's.
    static let system = JournalFiles { name in
        (try? Stat(name, followTargetSymlink: false))?.type == .regular
    } read: { name, limit throws(Errno) in
        try readFile(name, upTo: limit)
    } rename: { name, other throws(Errno) in
        try FileNames.rename(name, to: other)
    } remove: { name throws(Errno) in
        try FileNames.remove(name)
    } open: { name, tree throws(Errno) in
        try makeFile(name, like: tree)
    } write: { descriptor, bytes, offset throws(Errno) in
        try systemCall { try descriptor.write(toAbsoluteOffset: Int64(offset), bytes) }
    } sync: { descriptor throws(Errno) in
        try descriptor.syncContents()
    } close: { descriptor in
        try? descriptor.close()
    } size: { descriptor in
        (try? Stat(descriptor)).map { Int($0.size) }
    } isAt: { name, descriptor in
        DatabaseFile.isAt(name, descriptor)
    }

    private static func makeFile(_ name: String, like tree: String) throws(Errno) -> FileDescriptor {
        let descriptor = try open(name, .readWrite, .create)
        do throws(Errno) {
            try adopt(descriptor, named: name, tree)
        } catch {
            try? descriptor.close()
            throw error
        }
        return descriptor
    }

    private static func adopt(_ descriptor: FileDescriptor, named file: String, _ tree: String) throws(Errno) {
        guard let status = try? Stat(descriptor), status.type == .regular else { throw .invalidArgument }
        if let tree = try? Stat(tree), status.userID != tree.userID || status.mode != tree.mode {
            // Where it can't be done the file is ours alone.
            if (try? descriptor.setOwner(tree.userID, tree.groupID)) != nil {
                try? descriptor.setPermissions(tree.permissions.intersection(mostRights))
            }
        }
        let name = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
        let directory = try systemCall {
            try FileDescriptor.open(name, .readOnly, options: [.directory, .closeOnExec])
        }
        defer { try? directory.close() }
        try directory.sync()
    }

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

    private static func readFile(_ name: String, upTo limit: Int) throws(Errno) -> [UInt8] {
        let file = try open(name, .readOnly)
        defer { try? file.close() }
        let size = min(Int(try systemCall { try Stat(file) }.size), limit)
        return [UInt8](unsafeUninitializedCapacity: size) { target, count in
            while count < size {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(target)[count..<size])
                // What a disk can't read any more is lost, and what follows it.
                guard let read = try? file.read(fromAbsoluteOffset: Int64(count), into: rest), read > 0 else { return }
                count += read
            }
        }
    }
}
