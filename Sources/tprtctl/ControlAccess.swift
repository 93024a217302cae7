import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Programs
import Settings

/// Where the daemon is found that a command is for.
struct ControlAccess: ParsableArguments {
    @Option(
        help: ArgumentHelp("The control socket of the daemon; else server.control_socket.", valueName: "path"),
        completion: .file())
    var socket: String?

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Print the answer as JSON.")
    var json = false

    /// Asks the daemon, shows what it says, and ends with its status.
    func ask(_ request: ControlRequest) throws {
        let reply = try ControlClient(path: try path()).ask(request)
        if json {
            print(reply.line, terminator: "")
        } else {
            for message in reply.messages { print(message) }
            let warnings = Array(reply.warnings.map { "\(Program.name): \($0)\n" }.joined().utf8)
            write(STDERR_FILENO, warnings, warnings.count)
        }
        if reply.status != 0 { throw ExitCode(reply.status) }
    }

    private func path() throws(Failure) -> String {
        if let socket { return socket }
        let configured = try settings.load(environment: ProcessInfo.processInfo.environment).server.controlSocket
        guard !configured.isEmpty else {
            throw Failure(
                .configuration,
                "the daemon has no control socket: set server.control_socket in its configuration, "
                    + "and name that file with -c, or the socket with --socket")
        }
        return configured
    }
}
