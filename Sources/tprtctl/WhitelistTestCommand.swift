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
