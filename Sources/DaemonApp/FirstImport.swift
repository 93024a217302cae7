import CProcess
import Dispatch
import FileCalls
import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Programs
import ServiceLifecycle
public import Settings
import StoreURLs
import SystemPackage
import TrustedFiles

/// The import of postgrey's database when the daemon serves for the first time in its place.
public struct FirstImport {
    /// Carries out `tprtctl import` with these words under these settings in the running process, prints what came of it,
    /// and returns the exit status.
    public typealias Work =
        @MainActor (
            _ words: [String], _ settings: Configuration, _ environment: [String: String]
        ) async -> CInt

    /// postgrey's directory.
    let directory: String
    /// The arguments of `tprtctl import`.
    let words: [String]
    let work: Work
}

/// A first import, under the settings of the daemon.
struct PlannedImport {
    let what: FirstImport
    let settings: Configuration
    let environment: [String: String]
    /// The file that says that it was done.
    let marker: String

    /// Starts the process that will import, where there is something to import and it wasn't done before.
    ///
    /// It has the rights of whoever started the daemon, since postgrey's directory is closed to others. To be called
    /// while there is one thread only.
    @MainActor
    func start() async throws(ProgramError) -> ImportProcess? {
        guard !FileNames.exists(marker), FileNames.exists("\(what.directory)/postgrey.db") else { return nil }
        let order = try Self.pipe()
        let output = try Self.pipe()
        let child = fork()
        guard child >= 0 else { throw Self.failure("fork", Errno(rawValue: errno)) }
        guard child == 0 else {
            try? order.readEnd.close()
            try? output.writeEnd.close()
            return ImportProcess(
                directory: what.directory, marker: marker, id: child, order: order.writeEnd, output: output.readEnd)
        }
        Self.prepare(order: order.readEnd, output: output.writeEnd)
        Self.waitForOrder(on: order.readEnd)
        Self.stop(atEndOf: order.readEnd)
        _exit(await what.work(what.words, settings, environment))
    }

    /// A pipe that no program inherits that is executed.
    private static func pipe() throws(ProgramError) -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        do throws(Errno) {
            let ends = try systemCall { try FileDescriptor.pipe() }
            for end in [ends.readEnd, ends.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
            return ends
        } catch {
            throw failure("pipe", error)
        }
    }

    private static func failure(_ call: String, _ code: Errno) -> ProgramError {
        ProgramError(.unavailable, "the import of postgrey's database: \(call): \(code)")
    }

    /// Lets go of what is the daemon's.
    private static func prepare(order: FileDescriptor, output: FileDescriptor) {
        for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
        for number in [SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
        _ = tprt_set_name("\(Program.name)-import")
        for stream in [FileDescriptor.standardOutput, .standardError] { _ = try? output.duplicate(as: stream) }
        ProcessSetup.closeDescriptors(keeping: [order.rawValue])
    }

    /// Waits until the daemon serves; where it ends before that, there is nothing to do.
    private static func waitForOrder(on pipe: FileDescriptor) {
        var byte: UInt8 = 0
        let count = try? withUnsafeMutableBytes(of: &byte) { bytes in try systemCall { try pipe.read(into: bytes) } }
        guard count == 1 else { _exit(0) }
    }

    /// Has the process stop when the daemon does, which may not send signals to one of root's.
    private static func stop(atEndOf pipe: FileDescriptor) {
        DispatchQueue.global().async {
            var byte: UInt8 = 0
            _ = try? withUnsafeMutableBytes(of: &byte) { bytes in try systemCall { try pipe.read(into: bytes) } }
            kill(getpid(), SIGTERM)
        }
    }
}

/// A process that imports as soon as it is told to.
struct ImportProcess: Sendable {
    let directory: String
    /// The file that is written when it is done.
    let marker: String
    private let id: pid_t
    /// It begins when something comes out of this pipe, and stops when it is closed; nil once it is.
    private let order: NIOLockedValueBox<FileDescriptor?>
    private let output: FileDescriptor

    init(directory: String, marker: String, id: pid_t, order: FileDescriptor, output: FileDescriptor) {
        self.directory = directory
        self.marker = marker
        self.id = id
        self.order = NIOLockedValueBox(order)
        self.output = output
    }

    /// Lets go of it, before it was told to begin.
    func release() {
        stop()
        try? output.close()
    }

    /// Has it begin.
    fileprivate func begin() {
        order.withLockedValue { order in _ = try? order?.writeAll([1]) }
    }

    /// Has it stop where it stands; what was imported stays.
    fileprivate func stop() {
        order.withLockedValue { order in
            try? order?.close()
            order = nil
        }
    }

    /// Hands on what it says, a line at a time, until it ends; its exit status, nil where a signal ended it.
    fileprivate func follow(_ say: (String) -> Void) -> CInt? {
        var rest: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while let count = try? systemCall({ try chunk.withUnsafeMutableBytes { try output.read(into: $0) } }),
            count > 0
        {
            rest += chunk[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                say(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
        if !rest.isEmpty { say(String(decoding: rest, as: UTF8.self)) }
        try? output.close()
        var status: CInt = 0
        while waitpid(id, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        return status & 0x7f == 0 ? status >> 8 & 0xff : nil
    }
}

/// Has postgrey's database imported while mail is answered, and logs what came of it.
///
/// Until then all mail passes, as in a trial: those whom postgrey knows must not wait because they came early.
struct FirstImportService: Service {
    let process: ImportProcess
    let logger: Logger
    /// Puts into force what the settings say of that.
    let endTrial: @Sendable () async -> Void

    /// What the tool begins its messages with.
    private static let messageStart = "tprtctl: "

    func run() async throws {
        logger.info("\(process.directory): importing what postgrey has learned; all mail passes meanwhile")
        // Reading blocks; nothing else is to wait for it.
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        let result = await withGracefulShutdownHandler {
            try? await thread.runIfActive { () -> (status: CInt?, lines: [String]) in
                var lines: [String] = []
                process.begin()
                let status = process.follow { line in
                    if line.hasPrefix(Self.messageStart) {
                        logger.warning("\(line.dropFirst(Self.messageStart.count))")
                    } else {
                        logger.info("\(line)")
                        lines.append(line)
                    }
                }
                return (status, lines)
            }
        } onGracefulShutdown: {
            process.stop()
        }
        process.stop()
        await endTrial()
        try? await thread.shutdownGracefully()
        if let result, result.status == 0 { return mark(result.lines) }
        logger.warning(
            """
            \(process.directory): not all of it was imported: the next start tries again; if it isn't wanted, create \
            \(process.marker)
            """)
    }

    private func mark(_ lines: [String]) {
        do throws(Errno) {
            let file = try systemCall {
                try FileDescriptor.open(
                    process.marker, .writeOnly, options: [.create, .truncate, .closeOnExec, .noFollow],
                    permissions: [.ownerReadWrite, .groupRead])
            }
            defer { try? file.close() }
            _ = try systemCall { try file.writeAll((lines.joined(separator: "\n") + "\n").utf8) }
        } catch {
            logger.warning("\(process.marker): \(error); so the next start imports postgrey's database again")
        }
    }
}

extension Plan {
    /// The file that says that postgrey's database was imported: beside the database, else in the state directory.
    func importMarker(in state: StateDirectory) -> String {
        "\(greylist.directory ?? state.path)/postgrey-imported"
    }
}
