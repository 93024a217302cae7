import ArgumentParser
import Glibc
import JSONText
import Programs

/// The tool, from its arguments to its end.
public enum ToolProgram {
    /// Runs the command; what goes wrong ends the process with a line and an exit status.
    @MainActor
    public static func main() async {
        // A reader that goes away is noticed where something is written.
        signal(SIGPIPE, SIG_IGN)
        let words = CommandWords(Array(CommandLine.arguments.dropFirst()))
        do {
            var command = try Tprtctl.parseAsRoot()
            if let command = command as? any MainActorCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as ProgramError {
            end(failure, words)
        } catch let code as ExitCode {
            // Everything is said.
            Tprtctl.exit(withError: code)
        } catch {
            guard Tprtctl.exitCode(for: error) != .success else { Tprtctl.exit(withError: error) }
            end(words.unknownCommand ?? ProgramError(commandLine: error), words)
        }
    }

    /// Says what went wrong, also as JSON where the result was to be that, and ends the program.
    private static func end(_ failure: ProgramError, _ words: CommandWords) -> Never {
        if words.wantJSON { try? say(failure.json) }
        ProgramError(failure.status, failure.messages.map(printable)).exit(Program.name)
    }
}

/// A command that runs on the main thread: where a file is looked at in a forked process, no other thread should be.
protocol MainActorCommand: ParsableCommand {
    @MainActor func run() async throws(ProgramError)
}

extension ProgramError {
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
