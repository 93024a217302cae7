import ArgumentParser
import Greylist
import JSONText
import Programs
import Whitelists

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
