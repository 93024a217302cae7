import Foundation
public import TestSupport

/// A real Redis server in a temporary directory, on a free port of 127.0.0.1 or a unix socket.
///
/// It keeps nothing on disk: who restarts it finds it empty. It is over, and its directory gone, after `remove()`, with
/// the last reference to it, and (but for the directory) when the test program dies.
public final class RedisServer: Sendable {
    /// The address it listens at.
    public let host = "127.0.0.1"
    /// Its port; 0 if it has a unix socket only.
    public let port: Int
    /// The path of its unix socket, if it has one.
    public let socketPath: String?
    /// Its certificates and those that clients may use, if it talks TLS.
    public let certificates: Certificates?

    /// The directory of its files.
    public let directory: TemporaryDirectory

    let administrator: RedisUser?
    private let options: RedisOptions
    private let process = Locked<ChildProcess?>(nil)

    /// Its process id, also after its end; that of the last start.
    public var pid: Int32 { process.withLock { $0?.id ?? 0 } }

    /// Whether the process is there; it may be paused.
    public var isRunning: Bool { running != nil }

    var running: ChildProcess? {
        process.withLock { process in process?.poll() == nil ? process : nil }
    }

    private init(_ options: RedisOptions) async throws {
        self.options = options
        directory = try TemporaryDirectory()
        administrator = options.administrator
        switch options.transport {
        case .tcp:
            (port, socketPath, certificates) = (Int(try Ports.free()), nil, nil)
        case .unix:
            (port, socketPath, certificates) = (0, RedisConfiguration.socketPath(in: directory), nil)
        case .tls(let names, clientCertificates: _):
            let made = try await Certificates.make(in: directory, names: names)
            (port, socketPath, certificates) = (Int(try Ports.free()), nil, made)
        }
        let configuration = RedisConfiguration(
            options: options, directory: directory, port: port, administrator: administrator,
            certificates: certificates)
        try directory.write(try configuration.text(), to: "redis.conf")
    }

    deinit {
        // First the process and then the directory, in which it may be writing.
        process.withLock { $0 = nil }
        directory.remove()
    }

    /// Starts a server and returns when it serves.
    public static func start(_ options: RedisOptions = .plain) async throws -> RedisServer {
        var attempts = 0
        while true {
            let server = try await RedisServer(options)
            do {
                try await server.launch()
                return server
            } catch {
                await server.remove()
                attempts += 1
                // Somebody else was faster at its port: it gets another one.
                guard error is PortTaken, attempts < 10 else { throw error }
            }
        }
    }

    /// Starts it (again) and returns when it serves.
    func launch() async throws {
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw TestError.system("open \(logPath)") }
        defer { close(log) }
        let mode = options.mode == .sentinel ? ["--sentinel"] : []
        let command = ["redis-server", directory.file("redis.conf")] + mode
        let started = try await ChildProcess.start(command, output: log, errors: log)
        process.withLock { $0 = started }
        try await waitUntilReady()
    }

    /// Waits until it serves.
    public func waitUntilReady() async throws {
        try await waitUntil("Redis serves\n\(log(lines: 20))") {
            guard isRunning else {
                let log = log(lines: 20)
                throw log.contains("Address already in use") ? PortTaken(log: log) : TestError("Redis ended:\n\(log)")
            }
            // It may be somebody else's server that answers there.
            let answer = try? await command("INFO", "server")
            return answer?.contains("process_id:\(pid)\r\n") == true
        }
    }

    /// Stops it and removes its directory.
    public func remove() async {
        await stop()
        directory.remove()
    }

    private var logPath: String { directory.file("redis.log") }

    /// The last lines that it logged.
    public func log(lines: Int = .max) -> String {
        let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}

/// Somebody else has the port.
private struct PortTaken: Error, CustomStringConvertible {
    let log: String
    var description: String { "the port is taken:\n\(log)" }
}
