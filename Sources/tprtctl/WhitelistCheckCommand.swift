import ArgumentParser
import JSONText
import Programs

/// `tprtctl whitelist check`.
struct WhitelistCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Name every fault of whitelists.",
        discussion: "Ends with status 65 where there is any.")

    @OptionGroup var selection: WhitelistSelection

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let reading = try selection.read()
        if json {
            print(Self.json(reading))
        } else {
            for (path, count) in reading.files { print("\(bareOrQuoted(path)): \(count) entries") }
        }
        guard reading.faults.isEmpty else { throw Failure(.dataError, reading.faults) }
    }

    private static func json(_ reading: WhitelistSelection.Reading) -> String {
        let files = reading.files.map { JSONValue.object(["path": .string($0.path), "entries": .int($0.count)]) }
        return JSONValue.object(["files": .array(files), "faults": .array(reading.faults.map { .string($0) })]).text
    }
}
