import Glibc
import Programs
import Storage
import TrustedFiles

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
        let identity = (["\(plan.source)", "\(plan.target)"] + names + [plan.hashesKeys ? "hashed" : "as they are"])
            .joined(separator: "\n")
        path = "\(state.path)/copy-\(hexadecimal(Key(Array(identity.utf8).span, isHashed: true).bytes))"
    }

    /// The checkpoint of the run before; nil where there was none.
    func read() throws(CheckpointError) -> CopyCheckpoint? {
        try reach().act { () throws(CheckpointError) in try readCheckpoint() }
    }

    private func readCheckpoint() throws(CheckpointError) -> CopyCheckpoint? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw CheckpointError(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: Self.sizeLimit)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0,
            let checkpoint = CopyCheckpoint(text: String(decoding: buffer[..<count], as: UTF8.self), tables: tables)
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
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0o600)
        guard descriptor >= 0 else {
            throw CheckpointError(description: "\(path): \(String(cString: strerror(errno)))")
        }
        let text = Array(checkpoint.text(title: title).utf8)
        let isWritten = Glibc.write(descriptor, text, text.count) == text.count
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            let fault = CheckpointError(description: "\(path): \(String(cString: strerror(errno)))")
            unlink(temporary)
            throw fault
        }
    }

    /// Removes the file: the copy is done.
    func remove() {
        _ = try? reach().act { unlink(path) }
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
