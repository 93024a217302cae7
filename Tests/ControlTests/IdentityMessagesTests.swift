import Testing

@testable import Control

@Suite("Orders about identities")
struct IdentityMessagesTests {
    @Test("an order to learn is read as it was written")
    func learn() throws {
        let mail = LearnOrder.Mail(seconds: 1_795_000_000, sender: "\"a\\ \"@example.com", recipient: "b@example.org")
        for mails in [[], [mail], [mail, mail]] {
            let order = LearnOrder(mails)
            #expect(LearnOrder(try ControlRequest(line: order.request.line.utf8.dropLast())) == order)
        }
        for arguments in [["1", "a"], ["x", "a", "b"], ["-1", "a", "b"], ["1", "a", "b", "2"]] {
            #expect(LearnOrder(ControlRequest("learn", arguments: arguments)) == nil, "\(arguments)")
        }
        #expect(LearnOrder(ControlRequest("import")) == nil)
    }

    @Test(
        "an order that keeps to its room fits into a request, whatever addresses are made of",
        arguments: ["a", "\"", "\\", "\u{7f}", "\u{1}", "\u{ad}", "\u{200b}", "\u{202e}", "ü", "\u{e0001}"])
    func room(character: String) {
        for length in [1, 30, 1_000] {
            let address = String(repeating: character, count: length)
            let mail = LearnOrder.Mail(seconds: 1_795_000_000, sender: address, recipient: address)
            let order = LearnOrder(Array(repeating: mail, count: LearnOrder.room / mail.size))
            #expect(order.request.line.utf8.count <= ControlRequest.sizeLimit)
            #expect(order.request.line.utf8.count > LearnOrder.room / 2)
        }
    }

    @Test("a receipt says what was learnt")
    func receipt() {
        for receipt in [LearnReceipt(lessons: 0, written: 0), LearnReceipt(lessons: 2, written: 6)] {
            #expect(LearnReceipt(receipt.reply) == receipt)
        }
        #expect(LearnReceipt(ControlReply(messages: ["1"])) == nil)
        #expect(LearnReceipt(ControlReply(messages: ["1", "x"])) == nil)
        #expect(LearnReceipt(ControlReply(status: 69, messages: ["1", "1"])) == nil)
    }

    @Test("a slice of the table, and what is known of an organisation, are read as they were written")
    func list() throws {
        var known = IdentityStatus(organisation: "example.org")
        known.days = IdentityStatus.Count(number: 4, last: 1_795_000_000)
        known.recipients = IdentityStatus.Count(number: 2, last: 1_795_000_001)
        known.users = IdentityStatus.Count(number: 1, last: 1_795_000_002)
        (known.order, known.since, known.hasEarned, known.isShared) = ("deny", 1_795_000_003, false, true)
        let list = IdentityList(
            next: "00ff", correspondences: 7, entries: [known, IdentityStatus(organisation: "b\"\u{1b}")])
        let reply = try ControlReply(line: list.reply.line.utf8.dropLast())
        #expect(IdentityList(reply) == list)
        #expect(IdentityList(ControlReply(messages: ["", "x"])) == nil)
        #expect(IdentityList(ControlReply(messages: ["", "1", "{}"])) == nil)
        #expect(IdentityListOrder(IdentityListOrder(from: "00").request) == IdentityListOrder(from: "00"))
        #expect(IdentityListOrder(IdentityListOrder().request) == IdentityListOrder())
        for action in IdentityOrder.Action.allCases {
            #expect(IdentityOrder(IdentityOrder(action, "a").request) == IdentityOrder(action, "a"))
        }
        #expect(IdentityOrder(ControlRequest("identity", arguments: ["praise", "a"])) == nil)
        #expect(IdentityOrder(ControlRequest("identity", arguments: ["show"])) == nil)
    }
}
