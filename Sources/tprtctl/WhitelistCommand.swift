import ArgumentParser
import Control
import Greylist
import JSONText
import Programs
import Whitelists

/// `tprtctl whitelist`: looks into whitelists, and changes them.
struct WhitelistCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whitelist", abstract: "Look into whitelists, and change them.",
        subcommands: [
            WhitelistCheckCommand.self, WhitelistTestCommand.self, WhitelistListCommand.self,
            WhitelistImportCommand.self, WhitelistExportCommand.self, WhitelistAddCommand.self,
            WhitelistRemoveCommand.self, WhitelistAcceptCommand.self,
        ])
}

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

/// `tprtctl whitelist list`.
struct WhitelistListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the entries of whitelists in the order in which they are tried.")

    @OptionGroup var selection: WhitelistSelection

    @Flag(help: "Print an entry a line as JSON.")
    var json = false

    func run() throws {
        let reading = try selection.read()
        for note in reading.notes { tprtctl.note(note) }
        var output = Output()
        for entry in reading.entries { try output.say(json ? entry.json.text : entry.text) }
        try output.flush()
        guard reading.faults.isEmpty else { throw ProgramError(.dataError, reading.faults) }
    }
}

extension WhitelistSelection.Entry {
    /// `PLACE  EFFECT where CONDITION, until DATE  # COMMENT`.
    var text: String {
        let end = entry.expires.map { ", until \($0.dateText)" } ?? ""
        let comment = entry.comment.map { "  # \(bareOrQuoted($0))" } ?? ""
        return "\(location)  \(entry.effect) where \(bareOrQuoted(entry.condition.description))\(end)\(comment)"
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "place": .string(location), "effect": .string("\(entry.effect)"),
            "condition": .string("\(entry.condition)"),
        ]
        if let end = entry.expires { members["expires"] = .string(end.dateText) }
        if let comment = entry.comment { members["comment"] = .string(comment) }
        return .object(members)
    }
}

extension Timestamp {
    /// The moment as mail has it, in UTC.
    fileprivate var dateText: String {
        var bytes: [UInt8] = []
        bytes.append(internetDate: self)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// `tprtctl whitelist accept`.
struct WhitelistAcceptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Have the daemon take whitelists as they are, though they have lost most of their entries.",
        discussion: """
            A source that has lost more than half of its entries keeps what it had, since that is more often a mistake than \
            meant. This reads all sources again and takes them as they are now.
            """)

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(ControlRequest("accept-whitelists"))
    }
}
