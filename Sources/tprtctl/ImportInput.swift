import FileCalls
import Glibc
import Import
import JSONText
import Programs
import SystemPackage
import TrustedFiles

/// What is imported, opened: it can be read twice.
struct ImportInput {
    /// A descriptor that is closed with this value.
    final class OpenFile {
        let descriptor: FileDescriptor

        init(_ descriptor: FileDescriptor) {
            self.descriptor = descriptor
        }

        deinit {
            try? descriptor.close()
        }
    }

    /// Texts; nil where it is a database.
    private var text: ImportSource?
    private var database: SQLgreyDatabase?
    /// As whom root reads a database that a library opens by its name.
    private var user: FileUser?
    private var files: [OpenFile] = []
    private var directory: PostgreyDirectory?

    /// What became of the lines so far.
    var counts: ImportCounts { database?.counts ?? text?.counts ?? ImportCounts() }

    /// The next entries, perhaps none; nil when all are read.
    mutating func next() throws(ProgramError) -> [ImportedEntry]? {
        do throws(ImportError) {
            guard database != nil else { return try text?.next() }
            guard let user else { return try database?.next() }
            return try user.act { () throws(ImportError) in try database?.next() }
        } catch {
            throw ProgramError(error)
        }
    }

    /// Goes back to the beginning.
    mutating func restart() throws(ProgramError) {
        database?.restart()
        do throws(ImportError) {
            try text?.restart()
        } catch {
            throw ProgramError(error)
        }
    }
}

// MARK: Opening

extension ImportInput {
    /// Opens the sources of a plan, and has postgrey's tools read its directory.
    init(_ plan: ImportPlan) throws(ProgramError) {
        var (texts, files): ([ImportFile], [OpenFile]) = ([], [])
        for source in plan.sources {
            if source == "-" {
                let file = OpenFile(try Self.spool())
                files.append(file)
                texts.append(ImportFile(file: file.descriptor, name: "-", table: plan.sourceTable))
                continue
            }
            let reach = try Self.reach(source)
            let file = OpenFile(try Self.open(reach))
            switch (try? Stat(file.descriptor))?.type {
            case .directory:
                guard plan.sources.count == 1 else {
                    throw ProgramError(.usage, "\(bareOrQuoted(source)): a directory is to be the only source")
                }
                self = try Self.directory(file, source, plan)
                return
            case .regular where plan.kind == .sqlgrey && Self.isSQLite(file.descriptor):
                guard plan.sources.count == 1 else {
                    throw ProgramError(.usage, "\(bareOrQuoted(source)): a database is to be the only source")
                }
                self = try Self.sqlgrey(reach, plan)
                return
            case .regular: files.append(file)
            default:
                throw ProgramError(
                    .noInput, "\(bareOrQuoted(source)): is not a regular file (- is standard input)")
            }
            if let descriptor = files.last?.descriptor {
                texts.append(
                    plan.sourceTable.map { ImportFile(file: descriptor, name: source, table: $0) }
                        ?? ImportFile(file: descriptor, name: source))
            }
        }
        text = ImportSource(.database(plan.kind), texts, options: plan.options)
        self.files = files
    }

    static func reach(_ path: String) throws(ProgramError) -> FileReach {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw ProgramError(.usage, "an empty path names no file") }
        do throws(FileError) {
            return try FileReach(path)
        } catch {
            throw ProgramError(.noPermission, error.description)
        }
    }

    static func open(_ reach: FileReach) throws(ProgramError) -> FileDescriptor {
        do throws(FileError) {
            return try reach.open(.readOnly)
        } catch {
            let isDenied = [EACCES, EPERM].contains(error.code)
            throw ProgramError(isDenied ? .noPermission : .noInput, error.description)
        }
    }

    private static func isSQLite(_ file: FileDescriptor) -> Bool {
        var start = [UInt8](repeating: 0, count: 15)
        let count = try? start.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }
        return count == start.count && start.elementsEqual("SQLite format 3".utf8)
    }

    private static func directory(
        _ file: OpenFile, _ path: String, _ plan: ImportPlan
    ) throws(ProgramError) -> ImportInput {
        switch plan.kind {
        case .postgrey:
            // Its owner may have put anything into it, so its files are reached, and read, with the owner's rights.
            let reach = try reach("\(path)/postgrey.db")
            let user = reach.user.map { ToolUser(user: $0.user, group: $0.group) }
            let directory: PostgreyDirectory
            do throws(ImportError) {
                directory = try reach.act { () throws(ImportError) in
                    try PostgreyDirectory(directory: file.descriptor, name: path, user: user)
                }
            } catch {
                throw ProgramError(error)
            }
            if directory.isInUse {
                note(
                    "\(bareOrQuoted(path)): postgrey is running: import once more when it has stopped, for what it adds"
                )
            }
            return ImportInput(
                text: ImportSource(.database(.postgrey), directory.files, options: plan.options), directory: directory)
        case .greylistd:
            var (texts, files): ([ImportFile], [OpenFile]) = ([], [])
            for name in ["\(path)/triplets", "\(path)/states"] {
                let file = OpenFile(try open(try reach(name)))
                guard (try? Stat(file.descriptor))?.type == .regular else {
                    throw ProgramError(.noInput, "\(bareOrQuoted(name)): is not a regular file")
                }
                files.append(file)
                texts.append(ImportFile(file: file.descriptor, name: name))
            }
            return ImportInput(
                text: ImportSource(.database(.greylistd), texts, options: plan.options), files: files)
        default:
            throw ProgramError(
                .noInput,
                "\(bareOrQuoted(path)): is a directory; name files (only postgrey and greylistd have a directory)")
        }
    }

    private static func sqlgrey(_ reach: FileReach, _ plan: ImportPlan) throws(ProgramError) -> ImportInput {
        let user: FileUser?
        do throws(FileError) {
            user = try reach.owner(ofFilesWith: ["-journal", "-wal", "-shm"])
        } catch {
            throw ProgramError(.noPermission, error.description)
        }
        func open() throws(ImportError) -> SQLgreyDatabase {
            try SQLgreyDatabase(path: reach.path, options: plan.options)
        }
        do throws(ImportError) {
            let database = if let user { try user.act(open) } else { try open() }
            return ImportInput(database: database, user: user)
        } catch {
            throw ProgramError(error)
        }
    }

    /// Standard input, or where that can be read only once a copy of it, in a file without a name.
    static func spool() throws(ProgramError) -> FileDescriptor {
        let input = FileDescriptor.standardInput
        if (try? Stat(input))?.type == .regular, (try? input.seek(offset: 0, from: .current)) == 0 {
            do throws(Errno) { return try systemCall { try input.duplicate() } } catch { throw unreadable("-", error) }
        }
        let copy = try nameless(in: "/var/tmp")
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count: Int
            do throws(Errno) {
                count = try systemCall { try buffer.withUnsafeMutableBytes { try input.read(into: $0) } }
            } catch {
                throw unreadable("-", error)
            }
            do throws(Errno) {
                guard count > 0 else {
                    _ = try systemCall { try copy.seek(offset: 0, from: .start) }
                    return copy
                }
                _ = try systemCall { try copy.writeAll(buffer[..<count]) }
            } catch {
                throw unreadable("/var/tmp", error)
            }
        }
    }

    /// A new file without a name.
    static func nameless(in directory: String) throws(ProgramError) -> FileDescriptor {
        var template = Array("\(directory)/tprt-import-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
        guard made >= 0, fcntl(made, F_SETFD, FD_CLOEXEC) == 0 else {
            throw unreadable(directory, Errno(rawValue: errno))
        }
        _ = template.withUnsafeBufferPointer { $0.baseAddress.map { unlink($0) } }
        return FileDescriptor(rawValue: made)
    }

    private static func unreadable(_ path: String, _ error: Errno) -> ProgramError {
        ProgramError(.noInput, "\(bareOrQuoted(path)): \(error)")
    }
}

extension ProgramError {
    /// A source can't be read.
    ///
    /// - Parameter result: what became of it
    init(_ error: ImportError, result: String = "nothing was imported") {
        let status: ExitStatus =
            switch error.code {
            case .otherFormat, .otherColumns, .otherVersion, .incomplete: .dataError
            case .locked, .tool: .unavailable
            case .unreadable: .noInput
            }
        self.init(status, "\(error); \(result)")
    }
}
