import Bytes
public import SystemPackage

/// Makes dumps of a directory of postgrey's: its files are copied to a directory of ours, where the copy is recovered and
/// dumped by Debian's db5.3-util.
///
/// The original is only read. It may be in use: the databases are copied before the logs, and recovered from all logs
/// there are, as for a backup of a running Berkeley DB.
public final class PostgreyDirectory: Sendable {
    private static let databases = ["postgrey.db", "postgrey_clients.db"]
    /// The versions of a Btree that db5.3-util reads.
    private static let versions: ClosedRange<UInt32> = 8...9

    /// The dumps, opened for `ImportSource`; they have no names any more, and are closed with this value.
    public let files: [ImportFile]
    /// Whether postgrey ran when its files were copied.
    public let isInUse: Bool

    /// Copies, recovers and dumps, which may block for long.
    ///
    /// - Parameters:
    ///   - directory: postgrey's directory, opened for reading; closing it is its owner's affair
    ///   - name: its name, for messages
    ///   - temporary: where the copy is made
    ///   - tools: where db5.3-util's programs are
    ///   - user: as whom root has the programs read the copy, which this thread has to act as, too; nil: as who this
    ///     process is
    public init(
        directory: FileDescriptor, name: String, temporary: String = "/var/tmp", tools: String = "/usr/bin",
        user: ToolUser? = nil
    ) throws(ImportError) {
        let copy = try PrivateDirectory(in: temporary)
        let source = SourceDirectory(directory: directory, name: name)
        isInUse = source.isLocked("postgrey.lock")
        let found = Self.databases.filter { source.has($0) }
        guard found.contains(Self.databases[0]) else {
            throw ImportError(.otherFormat, name, "postgrey.db does not exist in this directory")
        }
        for database in found {
            try Self.check(source, database)
            try source.copy(database, to: copy)
        }
        let logs = try source.names().filter { $0.hasPrefix("log.") && $0.utf8.dropFirst(4).allSatisfy(\.isDigit) }
        for log in logs.sorted() { try source.copy(log, to: copy) }
        // Made before the programs run: whose user's the copy is could put links into their places.
        let errors = try copy.make("errors")
        defer { try? errors.close() }
        var files: [ImportFile] = []
        do throws(ImportError) {
            for database in found {
                files.append(ImportFile(file: try copy.make("\(database).txt"), name: "\(name)/\(database)"))
            }
            let tool = BerkeleyTool(directory: tools, user: user)
            if !logs.isEmpty {
                try Self.run(tool, "db5.3_recover", ["-c", "-h", copy.path], output: nil, errors, name)
            }
            for (database, file) in zip(found, files) {
                try Self.run(
                    tool, "db5.3_dump", ["-p", copy.file(database)], output: file.file, errors, file.name)
                _ = try? file.file.seek(offset: 0, from: .start)
            }
        } catch {
            for file in files { try? file.file.close() }
            throw error
        }
        self.files = files
    }

    deinit {
        for file in files { try? file.file.close() }
    }

    private static func run(
        _ tool: BerkeleyTool, _ program: String, _ arguments: [String], output: FileDescriptor?,
        _ errors: FileDescriptor, _ name: String
    ) throws(ImportError) {
        let status = try tool.run(program, arguments, output: output, errors: errors)
        guard status != 0 else { return }
        let said = BerkeleyTool.messages(in: errors)
        throw ImportError(
            .incomplete, name, "\(program) failed with status \(status)" + (said.isEmpty ? "" : ": \(said)"))
    }

    /// Looks whether a file is a Btree of a version that can be read.
    private static func check(_ source: SourceDirectory, _ database: String) throws(ImportError) {
        let path = "\(source.name)/\(database)"
        let start = try source.start(of: database)
        guard let header = start.span.berkeleyHeader else {
            throw ImportError(.otherFormat, path, "not a Berkeley DB" + Guess(start.span).advice)
        }
        guard header.isBtree else { throw ImportError(.otherFormat, path, "not postgrey's: it is a hash, not a Btree") }
        guard versions.contains(header.version) else {
            let remedy =
                header.version < versions.lowerBound
                ? "upgrade a copy with db5.3_upgrade" : "dump it with the db_dump of its own version"
            throw ImportError(
                .otherVersion, path,
                "a Btree of version \(header.version), and db5.3-util reads 8 and 9: \(remedy)")
        }
    }
}
