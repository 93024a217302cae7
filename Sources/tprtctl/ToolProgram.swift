import ArgumentParser
import Glibc
import JSONText
import NIOConcurrencyHelpers
import Programs
public import Settings
import UnixSignals

/// The command line of `tprtctl`: a tree of commands.
struct Tprtctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Program.name,
        abstract: "Looks after what the greylisting policy server tprtd keeps.",
        version: "\(Program.name) \(Release.version)",
        subcommands: [
            DNSCommand.self, ForgetCommand.self, HistoryCommand.self, IdentityCommand.self, ImportCommand.self,
            LearnCommand.self, ListCommand.self, MigrateCommand.self, PrivacyCommand.self, ReleaseCommand.self,
            ReloadCommand.self, ReportCommand.self, SimulateCommand.self, StatusCommand.self, StoreCommand.self,
            WebCommand.self,
            WhitelistCommand.self, WhyCommand.self,
        ])
}

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

    /// Carries out `tprtctl import` with these words, under settings that are known already, and prints sentences in place
    /// of a table.
    ///
    /// - Returns: the exit status
    @MainActor
    public static func runImport(
        _ words: [String], under settings: Configuration, _ environment: [String: String]
    ) async -> CInt {
        do {
            let plan = try ImportPlan(
                ImportCommand.parse(words), settings, state: StateDirectory(environment: environment))
            for sentence in try await ImportRun(plan, boot: nil).run().sentences { try say(sentence) }
            return 0
        } catch let error as ProgramError {
            for message in error.messages { note(message) }
            return error.status.rawValue
        } catch {
            note("\(error)")
            return ExitStatus.software.rawValue
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
    @MainActor func run() async throws
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

/// What the program is called, said once.
enum Program {
    static let name = "tprtctl"
}

/// SIGINT or SIGTERM, as a wish to stop at the next good moment.
final class StopRequest: Sendable {
    /// How long that moment may be away: then the process ends without it.
    private static let limit = Duration.seconds(3)

    private let received = NIOLockedValueBox<ExitStatus?>(nil)

    /// The status to end with; nil as long as nobody wishes it.
    var status: ExitStatus? { received.withLockedValue { $0 } }

    /// From here on the signals are wishes.
    ///
    /// - Parameter sentence: what is said where a store keeps us from that moment
    init(message: String) async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        Task.detached { [received] in
            for await signal in signals {
                let status = signal == .sigint ? ExitStatus.interrupted : .terminated
                received.withLockedValue { $0 = status }
                try? await Task.sleep(for: Self.limit)
                ProgressBar.wipe()
                ProgramError(status, message).exit(Program.name)
            }
        }
    }
}

/// What the words of a command line are, where ArgumentParser says little of it.
struct CommandWords {
    private let words: [String]

    init(_ words: [String]) {
        self.words = words
    }

    /// Whether the result is wanted as JSON; so are errors then.
    var wantJSON: Bool { words.prefix { $0 != "--" }.contains("--json") }

    /// What is wrong with a word that stands where a command should; nil where that is not the fault.
    var unknownCommand: ProgramError? {
        var commands = Tprtctl.configuration.subcommands
        var path = Program.name
        for word in words where !word.hasPrefix("-") {
            if commands.isEmpty { return nil }
            var names: [String] = []
            var found: [any ParsableCommand.Type]?
            for command in commands {
                let configuration = command.configuration
                guard let name = configuration.commandName else { continue }
                names.append(name)
                if name == word { found = configuration.subcommands }
            }
            guard let found else {
                guard word != "help" else { return nil }
                let advice = nearest(to: word.lowercased(), among: names).map { "did you mean \($0)?" }
                let remedy = advice ?? "there are \(names.joined(separator: ", "))"
                // A word may be a URL with a password in it.
                let shown = word.contains("://") ? "" : " \(shortened(word))"
                return ProgramError(.usage, "unknown command\(shown) (\(remedy); see \(path) --help)")
            }
            commands = found
            path += " \(word)"
        }
        return nil
    }
}
