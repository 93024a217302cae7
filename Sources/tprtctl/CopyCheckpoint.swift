import Bytes
import FileCalls
import Programs
import Storage
import SystemPackage
import TrustedFiles

/// How far a copy has come, for the run that goes on with it.
struct CopyCheckpoint: Equatable {
    /// How far a table is copied.
    struct Progress: Equatable {
        var table: Table
        var counts = CopyCounts()
        /// Where to go on; nil at the beginning, and at the end.
        var cursor: Cursor?
        var isDone = false
    }

    /// The tables in their order.
    var tables: [Progress]
    /// What the files of source and target were known by.
    var files = "- -"

    /// The beginning of a copy.
    init(_ tables: [Table]) {
        self.tables = tables.map { Progress(table: $0) }
    }

    /// Everything up to here.
    var read: Int { tables.reduce(0) { $0 + $1.counts.read } }

    /// Those that were handed over.
    var copied: Int { tables.reduce(0) { $0 + $1.counts.copied } }
}

/// The text of a checkpoint: a line of the form, a line of what is copied, one of the files, a line for
/// each table, and `end`.
extension CopyCheckpoint {
    private static let form = "tprt-copy 2"

    /// The text.
    ///
    /// - Parameter title: what is copied, for people
    func text(title: String) -> String {
        let lines = tables.map { progress in
            let counts = progress.counts
            let numbers = [counts.read, counts.copied, counts.expired, counts.milliseconds].map(String.init)
            let position = progress.isDone ? "done" : progress.cursor.map { String(hexadecimal: $0.bytes) } ?? "begin"
            return ([TableName(progress.table).rawValue] + numbers + [position]).joined(separator: " ")
        }
        return ([Self.form, title, files] + lines + ["end", ""]).joined(separator: "\n")
    }

    /// The checkpoint that a text stands for; nil where it is no such text, or not of a copy of these tables.
    init?(text: String, tables: [Table]) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == tables.count + 5, lines[0] == Self.form, lines.suffix(2) == ["end", ""] else {
            return nil
        }
        self.init([])
        files = String(lines[2])
        for (table, line) in zip(tables, lines.dropFirst(3)) {
            guard let progress = Progress(line: line, table: table) else { return nil }
            self.tables.append(progress)
        }
    }
}

extension CopyCheckpoint.Progress {
    fileprivate init?(line: Substring, table: Table) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        let numbers = fields.dropFirst().prefix(4).compactMap { Int($0) }.filter { $0 >= 0 }
        guard fields.count == 6, fields[0] == TableName(table).rawValue, numbers.count == 4 else { return nil }
        self.init(table: table)
        counts = CopyCounts(read: numbers[0], copied: numbers[1], expired: numbers[2], milliseconds: numbers[3])
        switch fields[5] {
        case "done": isDone = true
        case "begin": break
        case let digits:
            guard let bytes = [UInt8](hexadecimal: digits.utf8), !bytes.isEmpty else { return nil }
            cursor = Cursor(bytes)
        }
    }
}

/// The file in the state directory that keeps the checkpoint of a copy from one run to the next.
struct CheckpointFile {
    let path: String
    private let title: String
    private let tables: [Table]
    private var written: ContinuousClock.Instant?

    /// How often it is written at most.
    private static let interval = Duration.seconds(1)

    /// The most bytes that it may have.
    private static let sizeLimit = 8192

    /// The file of a copy: another one for other stores, tables or keys.
    init(of plan: CopyPlan, in state: StateDirectory) {
        title = "\(plan.source) to \(plan.target)"
        tables = plan.tables
        let names = plan.tables.map { TableName($0).rawValue }
        let identity = (["\(plan.source)", "\(plan.target)"] + names + [plan.keys?.word ?? "as they are"])
            .joined(separator: "\n")
        path = "\(state.path)/copy-\(String(hexadecimal: Key(Array(identity.utf8).span, isHashed: true).bytes))"
    }

    /// The checkpoint of the run before; nil where there was none.
    func read() throws(CheckpointError) -> CopyCheckpoint? {
        try reach().act { () throws(CheckpointError) in try readCheckpoint() }
    }

    private func readCheckpoint() throws(CheckpointError) -> CopyCheckpoint? {
        let file: FileDescriptor
        do throws(Errno) {
            file = try systemCall {
                try FileDescriptor.open(
                    path, .readOnly, options: [.closeOnExec, .noControllingTerminal, .nonBlocking, .noFollow])
            }
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw CheckpointError(description: "\(path): \(error)")
        }
        defer { try? file.close() }
        guard let bytes = try? file.readToEnd(limit: Self.sizeLimit), bytes.count <= Self.sizeLimit,
            let checkpoint = CopyCheckpoint(text: String(decoding: bytes, as: UTF8.self), tables: tables)
        else { throw CheckpointError(description: "\(path): is damaged") }
        return checkpoint
    }

    /// Notes a checkpoint, unless that was done a moment ago.
    mutating func note(_ checkpoint: CopyCheckpoint) throws(CheckpointError) {
        if let written, ContinuousClock.now - written < Self.interval { return }
        try write(checkpoint)
    }

    /// Writes a checkpoint: the file has it whole, or is what it was.
    mutating func write(_ checkpoint: CopyCheckpoint) throws(CheckpointError) {
        written = .now
        try reach().act { () throws(CheckpointError) in try writeCheckpoint(checkpoint) }
    }

    private func writeCheckpoint(_ checkpoint: CopyCheckpoint) throws(CheckpointError) {
        let temporary = path + ".new"
        try? FileNames.remove(temporary)
        let file: FileDescriptor
        do throws(Errno) {
            file = try systemCall {
                try FileDescriptor.open(
                    temporary, .writeOnly,
                    options: [.create, .exclusiveCreate, .closeOnExec, .noControllingTerminal],
                    permissions: .ownerReadWrite)
            }
        } catch {
            throw CheckpointError(description: "\(path): \(error)")
        }
        do throws(Errno) {
            _ = try systemCall {
                try file.closeAfter { try file.writeAll(checkpoint.text(title: title).utf8) }
            }
            try FileNames.rename(temporary, to: path)
        } catch {
            try? FileNames.remove(temporary)
            throw CheckpointError(description: "\(path): \(error)")
        }
    }

    /// Removes the file: the copy is done.
    func remove() {
        _ = try? reach().act { try? FileNames.remove(path) }
    }

    /// As whom the file is reached: the state directory may be another user's than root's.
    private func reach() throws(CheckpointError) -> FileReach {
        do throws(FileError) {
            return try FileReach(path)
        } catch {
            throw CheckpointError(description: error.description)
        }
    }
}

/// Why a checkpoint can't be kept or read.
struct CheckpointError: Error, CustomStringConvertible {
    let description: String
}

extension KeyScheme {
    /// What tells it from another one; nothing of a key.
    fileprivate var word: String {
        switch self {
        case .plain: "plain"
        case .hashed: "hashed"
        case .keyed(let ring): "keyed \(ring.keys.current.mark)"
        }
    }
}
