import ArgumentParser
import Glibc
import Programs

/// The tool, from its arguments to its end.
public enum ToolProgram {
    /// Runs the command; what goes wrong ends the process with a line and an exit status.
    @MainActor
    public static func main() async {
        do {
            var command = try Tprtctl.parseAsRoot()
            if let command = command as? any MainActorCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            failure.exit(Program.name)
        } catch let code as ExitCode {
            // Everything is said.
            Tprtctl.exit(withError: code)
        } catch {
            guard Tprtctl.exitCode(for: error) != .success else { Tprtctl.exit(withError: error) }
            Failure(commandLine: error).exit(Program.name)
        }
    }
}

/// A command that runs on the main thread: where a file is looked at in a forked process, no other thread should be.
protocol MainActorCommand: ParsableCommand {
    @MainActor func run() async throws(Failure)
}

extension Failure {
    /// What ArgumentParser says of a command line.
    ///
    /// It quotes what it can't use, and that may be a URL with a password in it.
    init(commandLine error: any Error) {
        var message = Tprtctl.message(for: error).split(separator: "\n").joined(separator: " ")
        if let end = message.firstRange(of: "://")?.upperBound { message = message[..<end] + "..." }
        // Its last words are: See 'tprtctl store copy --help' for more information.
        let help = Tprtctl.fullMessage(for: error).split(separator: "'").last { $0.hasSuffix(" --help") }
        self.init(.usage, "\(message) (see \(help ?? "\(Program.name) --help"))")
    }
}
