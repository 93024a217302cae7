import ArgumentParser
import Control
import FoundationEssentials
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
        let reply: ControlReply
        do throws(ProgramError) {
            reply = try ControlClient(path: try path()).ask(request)
        } catch {
            guard json else { throw error }
            // In the form in which the daemon would have said it.
            try say(ControlReply(status: error.status.rawValue, warnings: error.messages).line, terminator: "")
            for message in error.messages { note(message) }
            throw ExitCode(error.status.rawValue)
        }
        if json {
            try say(reply.line, terminator: "")
        } else {
            for message in reply.messages { try say(message) }
            for warning in reply.warnings { note(warning) }
        }
        if reply.status != 0 { throw ExitCode(reply.status) }
    }

    private func path() throws(ProgramError) -> String {
        if let socket { return socket }
        let configured = try settings.load(environment: ProcessInfo.processInfo.environment).server.controlSocket
        guard !configured.isEmpty else {
            throw ProgramError(
                .configuration,
                "the daemon has no control socket: set server.control_socket in its configuration, "
                    + "and name that file with -c, or the socket with --socket")
        }
        return configured
    }
}
