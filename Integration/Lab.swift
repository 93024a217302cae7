import Foundation
import TestSupport

/// What one test has started: a directory, daemons, a Postfix.
///
/// All of it is gone when the test is over.
final class Lab {
    let directory: TemporaryDirectory
    private var endings: [() -> Void] = []
    private var daemons: [Daemon] = []
    private var postfixes: [PrivatePostfix] = []

    fileprivate init() throws {
        directory = try TemporaryDirectory()
    }

    /// A unix socket in the directory.
    var unixEndpoint: Endpoint { .unix(directory.file("policy.sock")) }

    /// The database that daemons use unless told otherwise.
    var database: String { directory.file("tprt.lmdb") }

    /// The arguments of a daemon.
    ///
    /// It listens at `endpoint` and lets a new triplet wait for `delay` seconds. `database` is the path of a file,
    /// that of the lab unless given; `whitelist` is the path of a whitelist file, none unless given.
    func arguments(
        at endpoint: Endpoint,
        delay: Int,
        database: String? = nil,
        whitelist: String? = nil
    ) -> [String] {
        let listener =
            switch endpoint {
            case .unix(let path):
                [
                    "-i", "server.socket_type=unix", "-i", "server.socket_path=\(path)",
                    "-i", "server.socket_mode=0666",
                ]
            case .inet(let port):
                ["--socket_type", "inet", "--socket_listen_host", "127.0.0.1", "--socket_listen_port", "\(port)"]
            case .inet6(let port):
                ["--socket_type", "inet", "--socket_listen_host", "::1", "--socket_listen_port", "\(port)"]
            }
        let store = "lmdb://\(database ?? self.database)"
        let sources = whitelist.map { "\"file://\($0)\"" } ?? ""
        return listener + [
            "-i", "service.grey_db=\(store)", "-i", "service.awl_db=\(store)",
            "-i", "service.wl_sources=[\(sources)]", "--delay", "\(delay)", "-i", "service.identity=off",
        ]
    }

    /// Starts a daemon and returns at once.
    func launch(
        _ arguments: [String],
        listeningAt endpoints: [Endpoint],
        openFiles: Int? = nil,
        reads: Bool = true,
        allowsRoot: Bool = true,
        prelude: String? = nil,
        variables: [String] = [],
        sockets: [HeldSocket] = [],
        prefix: [String] = []
    ) throws -> Daemon {
        let daemon = try Daemon(
            arguments, listeningAt: endpoints, openFiles: openFiles, reads: reads, allowsRoot: allowsRoot,
            prelude: prelude, variables: variables, sockets: sockets, prefix: prefix)
        daemons.append(daemon)
        endings.append { daemon.process.end() }
        return daemon
    }

    /// Starts a daemon and returns when it listens.
    func start(
        at endpoint: Endpoint? = nil,
        delay: Int = 300,
        whitelist: String? = nil,
        extra: [String] = [],
        openFiles: Int? = nil
    ) throws -> Daemon {
        let endpoint = endpoint ?? unixEndpoint
        let arguments = arguments(at: endpoint, delay: delay, whitelist: whitelist) + extra
        let daemon = try launch(arguments, listeningAt: [endpoint], openFiles: openFiles)
        try daemon.waitUntilReady()
        return daemon
    }

    /// Starts tprtctl, with a state directory in the lab.
    func tprtctl(_ arguments: [String]) throws -> Tprtctl {
        let tool = try Tprtctl(arguments, stateDirectory: directory.file("state"))
        endings.append { tool.process.end() }
        return tool
    }

    /// Prepares a Postfix that asks a daemon of this lab, and starts it.
    func startPostfix(_ options: PrivatePostfix.Options) throws -> PrivatePostfix {
        let postfix = try PrivatePostfix(in: directory.makeDirectory("postfix\(postfixes.count)"), options)
        postfixes.append(postfix)
        endings.append { postfix.stopAndRemove() }
        try postfix.start()
        return postfix
    }

    /// Does something when the test is over, before what was begun earlier ends.
    func atEnd(_ ending: @escaping () -> Void) {
        endings.append(ending)
    }

    fileprivate func tearDown() {
        for ending in endings.reversed() {
            ending()
        }
        directory.remove()
    }

    /// What the programs said last, for the reader of a failure.
    fileprivate var lastWords: String {
        let said = daemons.map { ("tprtd \($0.process.id)", $0.lines) } + postfixes.map { ("Postfix", $0.log) }
        return said.map { name, lines in
            "--- \(name)\n" + lines.suffix(20).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

/// Runs `body` with a new lab and ends and removes everything in it afterwards, whatever happened.
func withLab(_ body: (Lab) throws -> Void) throws {
    let lab = try Lab()
    defer { lab.tearDown() }
    do {
        try body(lab)
    } catch {
        note("\(error)\n\(lab.lastWords)")
        throw error
    }
}

/// The same for a body that waits.
nonisolated(nonsending) func withLab(_ body: nonisolated(nonsending) (Lab) async throws -> Void) async throws {
    let lab = try Lab()
    defer { lab.tearDown() }
    do {
        try await body(lab)
    } catch {
        note("\(error)\n\(lab.lastWords)")
        throw error
    }
}

/// The text of a whitelist file.
func whitelistText(networks: [String] = [], recipients: [String] = [], others: [String] = []) -> String {
    let networks = networks.map { network in
        let parts = network.split(separator: "/")
        return #"{"type": "ipv4_net", "net": "\#(parts[0])", "mask": \#(parts.last ?? "")}"#
    }
    let recipients = recipients.map { #"{"type": "recipient_literal", "recipient": "\#($0)"}"# }
    return #"{"tests": [\#((networks + recipients + others).joined(separator: ", "))]}"#
}
