import ArgumentParser
import FoundationEssentials
import JSONText
import Programs
import Settings
import WhitelistFiles
import Whitelists

/// `tprtctl whitelist add`.
struct WhitelistAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add an entry to a list in a JSON file or a Redis.",
        discussion: """
            Where several conditions are given, all of them must hold. A file or list that isn't there is made. In a \
            file, comments, order and indentation stay. An entry that is there already is no fault. The daemon \
            takes a changed file or Redis by itself unless wl_watch is off. A file that a package brought is refused: \
            a file in the directory of yours takes its place.
            """)

    @Argument(help: ArgumentHelp("The whitelist: file:///path or redis://host/0.", valueName: "source"))
    var source: String

    @Option(help: ArgumentHelp("The list.", valueName: "name"))
    var list: String

    @OptionGroup(title: "What it matches") var options: EntryOptions

    @Option(help: ArgumentHelp("The entry's name.", valueName: "name"))
    var entryName: String?

    @Option(help: ArgumentHelp("A comment.", valueName: "text"))
    var comment: String?

    @Option(
        help: ArgumentHelp("The last day on which it counts, or the second until which it does.", valueName: "date"))
    var expires: String?

    @Option(help: ArgumentHelp("Greylist with this delay instead of letting pass.", valueName: "time"))
    var delay: String?

    @Flag(help: "Greylist as usual: an exception to what comes after it.")
    var greylist = false

    @Flag(help: "Put it before all others of its list.")
    var first = false

    @Flag(help: "Add it even if it lets nearly everybody through.")
    var force = false

    @Flag(help: "Don't warn that tprtd may not honour regular expressions.")
    var regex = false

    @OptionGroup var settings: SettingFiles

    func run() throws {
        let service = try settings.load(environment: ProcessInfo.processInfo.environment).service
        var notes: [String] = []
        let entry = try entry(notes: &notes)
        for note in notes { tprtctl.note(note) }
        let (location, isNew) =
            switch try WhitelistTarget(source) {
            case .file(let path): (bareOrQuoted(path), try add(entry, toFile: path, service))
            case .redis(let redis): (redis.name, try add(entry, to: redis))
            }
        try say("\(location)(\(bareOrQuoted(list))): \(isNew ? "added" : "is there already"): \(entry.text)")
        if isNew, entry.hasPattern, !regex, !service.allowWlRegex {
            note("tprtd honours regular expressions only with service.allow_wl_regex")
        }
    }

    /// The entry that the options spell, and what is to be said of it.
    func entry(notes: inout [String]) throws(ProgramError) -> WhitelistEntry {
        var members = try options.members()
        if entryName != nil, members.contains(where: { $0.key == "type" && $0.node.value == .string("attribute") }) {
            throw ProgramError(.usage, "an entry of the type attribute has no name of its own (--entry-name)")
        }
        for (key, value) in [("name", entryName), ("comment", comment), ("expires", expires), ("delay", delay)] {
            if let value { members.append(JSONMember(key, .string(value))) }
        }
        if greylist { members.append(JSONMember("greylist", .bool(true))) }
        do throws(WhitelistError) {
            let options = SourceOptions(allowsPatterns: true, allowsWide: force).knowingSuffixes()
            return try WhitelistEntry(members: members, options, notes: &notes)
        } catch {
            let remedy = error.description.contains("allow_wide") ? " (--force writes that)" : ""
            throw ProgramError(.dataError, "invalid entry: \(error)\(remedy)")
        }
    }

    private func add(
        _ entry: WhitelistEntry, toFile path: String, _ service: Configuration.Service
    ) throws(ProgramError) -> Bool {
        try VendorFiles(service).refuse(path)
        return try WhitelistTarget.edit(path, mustExist: false) { (text) throws(WhitelistError) in
            try text.add(entry, to: list, isFirst: first)
        }
    }

    private func add(_ entry: WhitelistEntry, to redis: RedisWhitelists) throws(ProgramError) -> Bool {
        try WhitelistTarget.edit(list, of: redis) { (list) throws(WhitelistError) in try list.add(entry, isFirst: first)
        }
    }
}

/// The words that say what an entry matches.
struct EntryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The client's address is in it.", valueName: "network"))
    var network: String?

    @Option(help: ArgumentHelp("The client's forward-confirmed name is in it.", valueName: "domain"))
    var name: String?

    @Option(help: ArgumentHelp("The name with which the client greets is in it.", valueName: "domain"))
    var helo: String?

    @Option(help: ArgumentHelp("The sender: user@domain, user@ or @domain.", valueName: "address"))
    var sender: String?

    @Option(help: ArgumentHelp("The sender's domain is in it.", valueName: "domain"))
    var senderDomain: String?

    @Option(help: ArgumentHelp("The recipient: user@domain, user@ or @domain.", valueName: "address"))
    var recipient: String?

    @Option(help: ArgumentHelp("The recipient's domain is in it.", valueName: "domain"))
    var recipientDomain: String?

    @Option(help: ArgumentHelp("An entry as JSON, in place of all these.", valueName: "json"))
    var entry: String?

    /// The conditions that the words say, each as the members of an entry.
    private var conditions: [[JSONMember]] {
        let simple: [(String, String, String?)] = [
            (network?.contains(":") == true ? "ipv6_net" : "ipv4_net", "net", network),
            ("remote_name", "domain", name), ("helo_name", "domain", helo), ("sender_literal", "sender", sender),
            ("sender_domain", "domain", senderDomain), ("recipient_literal", "recipient", recipient),
            ("recipient_domain", "domain", recipientDomain),
        ]
        return simple.compactMap { type, member, value in
            value.map { [JSONMember("type", .string(type)), JSONMember(member, .string($0))] }
        }
    }

    /// Whether they say nothing.
    var areEmpty: Bool { entry == nil && conditions.isEmpty }

    /// The members of the entry; of several conditions all must hold.
    func members() throws(ProgramError) -> [JSONMember] {
        let conditions = conditions
        guard let entry else {
            switch conditions.count {
            case 0:
                throw ProgramError(
                    .usage, "what is it to match? (--network, --name, --recipient or others, or --entry)")
            case 1: return conditions[0]
            default:
                let parts = conditions.map { JSONNode(.object($0)) }
                return [
                    JSONMember("type", .string("all")), JSONMember(key: "of", line: 1, node: JSONNode(.array(parts))),
                ]
            }
        }
        guard conditions.isEmpty else { throw ProgramError(.usage, "--entry says all: give it by itself") }
        do throws(JSONError) {
            guard case .object(let members) = try JSONParser.parse(Array(entry.utf8)).content else {
                throw JSONError(line: 1, column: 1, message: "it is not an object")
            }
            return members
        } catch {
            throw ProgramError(
                .usage, "--entry: \(error) (an entry is such as {\"type\": \"remote_name\", \"domain\": ...})")
        }
    }
}
