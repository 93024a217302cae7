import ArgumentParser
import JSONText
import Programs
import WhitelistFiles

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
        do throws(JSONFault) {
            guard case .object(let members) = try JSONParser.parse(Array(entry.utf8)).content else {
                throw JSONFault(line: 1, column: 1, complaint: "it is not an object")
            }
            return members
        } catch {
            throw ProgramError(
                .usage, "--entry: \(error.sentence) (an entry is such as {\"type\": \"remote_name\", \"domain\": ...})")
        }
    }
}
