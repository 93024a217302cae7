import ArgumentParser
import JSONText
import Programs

/// `tprtctl whitelist check`.
struct WhitelistCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Name every fault of whitelists.",
        discussion: """
            Ends with status 65 where there is any. Entries that are in force, but perhaps aren't as they were meant, are \
            named, too; that is no fault.
            """)

    @OptionGroup var selection: WhitelistSelection

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let reading = try selection.read()
        if json {
            try say(Self.json(reading))
        } else {
            for (path, count) in reading.files {
                try say("\(bareOrQuoted(path)): \(counted(count, "entry", "entries"))")
            }
            for note in reading.notes { tprtctl.note(note) }
        }
        guard !reading.faults.isEmpty else { return }
        // As JSON they are told already.
        guard !json else { throw ExitCode(ExitStatus.dataError.rawValue) }
        throw ProgramError(.dataError, reading.faults)
    }

    private static func json(_ reading: WhitelistSelection.Reading) -> String {
        let files = reading.files.map { JSONValue.object(["path": .string($0.path), "entries": .int($0.count)]) }
        return JSONValue.object([
            "files": .array(files), "faults": .array(reading.faults.map { .string($0) }),
            "notes": .array(reading.notes.map { .string($0) }),
        ]).text
    }
}
