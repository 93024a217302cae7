import ArgumentParser
import Greylist
import JSONText
import Programs
import Whitelists

/// `tprtctl whitelist test`.
struct WhitelistTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Say which entry decides about a request, and why others don't.",
        discussion: """
            Ends with status 0 where an entry decides, with 1 where none does. Entries of which no part holds are \
            counted only, unless --all is given.
            """)

    @Option(help: ArgumentHelp("The client's address.", valueName: "address"))
    var client = "0.0.0.0"

    @Option(help: ArgumentHelp("The client's forward-confirmed name.", valueName: "name"))
    var name = "unknown"

    @Option(help: ArgumentHelp("The name with which the client greets.", valueName: "name"))
    var helo: String?

    @Option(help: ArgumentHelp("The sender.", valueName: "address"))
    var sender = ""

    @Option(help: ArgumentHelp("The recipient.", valueName: "address"))
    var recipient = ""

    @Option(
        help: ArgumentHelp("Any other attribute; may be given several times.", valueName: "name=value"))
    var attribute: [String] = []

    @Flag(help: "Name each entry that doesn't match.")
    var all = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var selection: WhitelistSelection

    func validate() throws {
        guard Address(client: Array(client.utf8).span) != nil else {
            throw ValidationError("\(shortened(client)) is not an address")
        }
        for text in attribute where !text.contains("=") {
            throw ValidationError("\(shortened(text)) is malformed (expected name=value)")
        }
    }

    var attributes: [String: String] {
        var attributes = ["client_address": client, "client_name": name, "sender": sender, "recipient": recipient]
        attributes["helo_name"] = helo
        for text in attribute {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            attributes[String(parts[0])] = String(parts[1])
        }
        return attributes
    }

    func run() throws {
        let prefixes = try selection.nat64Prefixes()
        guard let sample = SampleRequest(attributes: attributes, nat64Prefixes: prefixes) else {
            throw ProgramError(.usage, "such a request can't be sent: no value may hold a line break")
        }
        let reading = try selection.read()
        let explanation = WhitelistExplanation(sample, reading, at: WallClock.now())
        try say(json ? explanation.json.text : explanation.text(showsAll: all))
        for fault in reading.faults { note(fault) }
        if explanation.decides == nil { throw ExitCode(1) }
    }
}

/// Which entry decides about a request, and why the others don't.
struct WhitelistExplanation {
    typealias Entry = WhitelistSelection.Entry

    /// The entry that decides.
    private(set) var decides: Entry?
    /// Those that match, too, but stand further on.
    private(set) var later: [Entry] = []
    /// Those that would match, had they not expired.
    private(set) var expired: [Entry] = []
    /// Combinations of which a part holds, with the parts that stand in the way.
    private(set) var nearly: [(entry: Entry, missing: [Condition])] = []
    /// All others.
    private(set) var others: [Entry] = []

    init(_ sample: SampleRequest, _ reading: WhitelistSelection.Reading, at now: Timestamp) {
        let match = sample.match(in: Whitelist(reading.parts), at: now)
        for entry in reading.entries {
            if sample.satisfies(entry.entry.condition) {
                if let end = entry.entry.expires, now >= end {
                    expired.append(entry)
                } else if decides == nil, entry.location == match?.location {
                    decides = entry
                } else {
                    later.append(entry)
                }
            } else if let missing = sample.missing(of: entry.entry.condition) {
                nearly.append((entry, missing))
            } else {
                others.append(entry)
            }
        }
    }

    func text(showsAll: Bool) -> String {
        var lines: [String] = []
        lines.append(decides.map { "decides: \($0.text)" } ?? "no entry matches")
        lines += later.map { "matches too, but stands further on: \($0.text)" }
        lines += expired.map { "has expired: \($0.text)" }
        for (entry, missing) in nearly {
            let parts = missing.map { bareOrQuoted($0.description) }.joined(separator: "; ")
            lines.append("matches in part: \(entry.text)\n    what doesn't hold: \(parts)")
        }
        if showsAll { lines += others.map { "doesn't match: \($0.text)" } }
        if !showsAll, !others.isEmpty { lines.append("entries that don't match: \(others.count)") }
        return lines.joined(separator: "\n")
    }

    var json: JSONValue {
        .object([
            "decides": decides?.json ?? .null,
            "later": .array(later.map(\.json)),
            "expired": .array(expired.map(\.json)),
            "nearly": .array(
                nearly.map { entry, missing in
                    .object([
                        "entry": entry.json, "missing": .array(missing.map { .string($0.description) }),
                    ])
                }),
            "others": .int(others.count),
        ])
    }
}

extension SampleRequest {
    /// The parts of a combination that don't hold, where others do; nil for everything else.
    fileprivate func missing(of condition: Condition) -> [Condition]? {
        guard case .all(let parts) = condition else { return nil }
        let missing = parts.filter { !satisfies($0) }
        return missing.count < parts.count ? missing : nil
    }
}
