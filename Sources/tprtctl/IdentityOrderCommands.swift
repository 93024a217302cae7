import ArgumentParser
import Control
import FoundationEssentials
import JSONText
import Programs

/// The organisation that a command is about.
struct OrganisationArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("A domain of the organisation, such as mail.example.org.", valueName: "domain"))
    var name: String
}

/// `tprtctl identity show`.
struct IdentityShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what an organisation has earned, and what was ordered of it.",
        discussion: """
            On how many days its mail was accepted, by how many recipients, how many of your users wrote to it, and whether its \
            mail need not wait, where it is proven to come from it. Times are in UTC. Ends with status 1 where nothing is \
            known of it, and with 69 where no daemon answers.
            """)

    @OptionGroup var organisation: OrganisationArgument

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        let client = try daemon.client()
        let reply = try client.carryOut(IdentityOrder(.show, organisation.name).request)
        guard let text = reply.messages.first, let value = try? JSONParser.parse(Array(text.utf8)).value,
            let status = IdentityStatus(value)
        else { throw client.misunderstanding }
        try say(daemon.json ? status.json.text : status.text)
        if !status.isKnown { throw ExitCode(1) }
    }
}

/// `tprtctl identity forget`.
struct IdentityForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Forget what an organisation has earned, and that users wrote to it.",
        discussion: """
            An order (allow, deny) is forgotten, too. From now on it may earn all of it again. What waits, and which mail \
            of it has passed to whom, stays known.
            """)

    @OptionGroup var organisation: OrganisationArgument

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(IdentityOrder(.forget, organisation.name).request)
    }
}

/// `tprtctl identity deny`.
struct IdentityDenyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Keep an organisation out of the fast lane, whatever it earns.",
        discussion: """
            Its mail waits as mail of strangers does, except to those who wrote to it themselves; forget it first where \
            that is to end, too. It holds until it is allowed or forgotten.
            """)

    @OptionGroup var organisation: OrganisationArgument

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(IdentityOrder(.deny, organisation.name).request)
    }
}

/// `tprtctl identity allow`.
struct IdentityAllowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allow",
        abstract: "Have an organisation in the fast lane, as if it had earned it.",
        discussion: """
            Its mail need not wait where it is proven to come from it: what only claims to be of it waits. It holds until it is \
            denied or forgotten. Ends with status 65 where many senders have the organisation in common.
            """)

    @OptionGroup var organisation: OrganisationArgument

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(IdentityOrder(.allow, organisation.name).request)
    }
}

extension IdentityStatus {
    /// Whether anything is known.
    var isKnown: Bool { days != nil || recipients != nil || users != nil || order != nil || since != nil }

    /// When something was last counted; nil for never.
    var last: Int64? { [days, recipients, users].compactMap { $0?.last }.max() }

    /// A table for people, and what it means.
    var text: String {
        let name = bareOrQuoted(organisation)
        let counts = [("days", days), ("recipients", recipients), ("users who wrote to it", users)]
        let rows = counts.compactMap { title, count in
            count.map { [title, grouped($0.number), utcTime($0.last)] }
        }
        var lines = rows.isEmpty ? [] : [TextTable(head: [name, "count", "last"], rows: rows).text]
        if !isKnown { lines.append("nothing is known of \(name)") }
        lines.append("fast lane: \(laneSentence)")
        return lines.joined(separator: "\n")
    }

    private var laneSentence: String {
        let moment = since.map { ", since \(utcTime($0))" } ?? ""
        switch (order, hasEarned) {
        case ("deny"?, _): return "kept out by an order\(moment)"
        case _ where isShared: return "never: many senders have it in common"
        case ("allow"?, true): return "in it by an order\(moment)"
        case ("allow"?, _): return "allowed\(moment), but service.fast_lane lets no organisation pass"
        case (_, true): return "earned"
        default: return "not earned" + (since.map { "; what was known until \(utcTime($0)) is forgotten" } ?? "")
        }
    }
}

/// A time for people.
func utcTime(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
}
