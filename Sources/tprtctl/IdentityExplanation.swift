import Domains
import JSONText

/// What the names of a client and of a sender give, step by step.
struct IdentityExplanation {
    typealias Entry = SharedIdentities.Entry

    private let host: NamedIdentity.HostFinding
    private let sender: NamedIdentity.SenderFinding
    private let proof: NamedIdentity.Proof
    private let details: NamedIdentity.Details
    private let address: String
    /// The entry that makes the sender's organisation a shared one.
    private let entry: Entry?
    /// The sender as the key of a shared identity has it; nil where it isn't one.
    private let folded: String?

    /// Whether the names prove the sender's organisation.
    var isProven: Bool { proof.isProven }

    /// The findings for a client.
    ///
    /// - Parameters:
    ///   - address: the client's address
    ///   - sender: in lower case
    ///   - recipient: in lower case
    init(
        _ identity: NamedIdentity, _ address: String, sender: [UInt8], recipient: [UInt8], _ shared: SharedIdentities
    ) {
        host = identity.host
        self.sender = identity.sender
        proof = identity.proof
        details = identity.details
        self.address = address
        guard identity.isShared, let organisation = identity.details.senderOrganisation else {
            (entry, folded) = (nil, nil)
            return
        }
        entry = shared.entry(for: Array(organisation.utf8).span)
        var key: [UInt8] = []
        identity.appendFoldedSender(sender.span, recipient: recipient.span, to: &key)
        folded = String(decoding: key, as: UTF8.self)
    }

    /// A line for each step.
    var text: String {
        var lines = ["client:   \(hostSentence)"]
        lines.append("sender:   \(senderSentence)")
        if let entry {
            let reason = entry.comment.isEmpty ? "" : ", \(entry.comment)"
            lines.append(
                "shared:   \(entry.domain) is what unrelated senders have in common (\(entry.location)\(reason))")
        }
        if let folded { lines.append("known as: \(bareOrQuoted(folded))") }
        lines.append("proof:    \(proofSentence)")
        return lines.joined(separator: "\n")
    }

    private var hostSentence: String {
        let name = details.hostName.map(bareOrQuoted) ?? ""
        let organisation = details.hostOrganisation.map(bareOrQuoted) ?? ""
        let word = details.word.map { "\"\($0)\"" } ?? ""
        let suffix = details.isHostTenant ? ", below the suffix of a tenant identity" : ""
        return switch host {
        case .unknown: "has no confirmed name, so it is known by its network only"
        case .malformed: "its name is not a name, so it is known by its network only"
        case .holdsAddress:
            "\(name) is generic: it holds \(address), and no word left of \(organisation) says that it sends mail"
        case .dialUp: "\(name) is generic: \(word) says that it is a customer's line"
        case .organisation:
            "\(name) is a host of \(organisation)\(suffix)"
                + (word.isEmpty ? "; no word says that it sends mail" : "; \(word) says that it sends mail")
        }
    }

    private var senderSentence: String {
        let name = details.senderName.map(bareOrQuoted) ?? ""
        let organisation = details.senderOrganisation.map(bareOrQuoted) ?? ""
        let suffix = details.isSenderTenant ? ", below the suffix of a tenant identity" : ""
        return switch sender {
        case .senderDomain: "\(name) belongs to \(organisation)\(suffix)"
        case .heloName: "has no domain; the HELO name \(name) belongs to \(organisation)\(suffix)"
        case .addressLiteral: "\(name) is an address literal, which nothing proves"
        case .malformed: "its domain is not a domain, so nothing can be proven"
        case .none: "has no domain, and the HELO name is not a qualified name, so nothing can be proven"
        }
    }

    private var proofSentence: String {
        switch proof {
        case .serverWord: "by name: the client is a mail server of the sender's organisation"
        case .organisationItself: "by name: the client's name is the sender's organisation"
        case .noHost: "none by name: the client's name says nothing of who runs it; SPF may prove the sender"
        case .noSender: "none: no domain stands for the sender"
        case .otherOrganisation: "none by name: the client is another organisation's; SPF may prove the sender"
        case .noServerWord:
            "none by name: the client may be a customer's machine, since no word left of "
                + "\(details.hostOrganisation.map(bareOrQuoted) ?? "") says that it sends mail; SPF may prove the sender"
        }
    }

    /// The same for programs.
    func json(_ reading: IdentityLists.Reading) -> JSONValue {
        func string(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        let suffixes = reading.organisations.suffixes
        let shared: JSONValue =
            entry.map {
                .object([
                    "domain": .string($0.domain), "location": .string($0.location), "comment": .string($0.comment),
                ])
            } ?? .null
        return .object([
            "client": .object([
                "name": string(details.hostName), "address": .string(address), "finding": .string(host.rawValue),
                "organisation": string(details.hostOrganisation), "tenant": .bool(details.isHostTenant),
                "word": string(details.word),
            ]),
            "sender": .object([
                "domain": string(details.senderName), "finding": .string(sender.rawValue),
                "organisation": string(details.senderOrganisation), "tenant": .bool(details.isSenderTenant),
                "shared": shared, "folded": string(folded),
            ]),
            "proof": .object(["proven": .bool(isProven), "reason": .string(proof.rawValue)]),
            "suffix_list": .object(["rules": .int(suffixes.ruleCount), "built_in": .bool(suffixes.isBuiltIn)]),
            "notes": .array(reading.messages.map { .string($0) }),
        ])
    }
}
