import Engine
import Foundation
import Greylist
import TestSupport
import Testing

@testable import History

/// What is kept of addresses, and that mail is found by them all the same.
struct AddressTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func record(_ said: [Said], _ kept: KeptAddresses) throws {
        var writer = try HistoryWriter(.sample(path, addresses: kept), at: noon)
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        writer.close()
    }

    /// A sender, its network and its recipient that no other test names, so that they can be looked for in the file.
    private static let mail = [
        Said(.new(wait: 300), change), Said(.retried(delay: 400), after: 400, change),
        Said(.known, after: 500) {
            change(&$0)
            $0.sender = "Secretary-8@Sending.Example"
        },
        Said(.notOurs(.nullSender), after: 600) {
            change(&$0)
            $0.sender = ""
        },
    ]

    @Sendable private static func change(_ said: inout Said) {
        (said.client, said.name, said.helo) = ("198.51.100.77", "Relay.Sending.Example", "helo.sending.example")
        (said.sender, said.recipient) = ("Secretary-7@Sending.Example", "Receiver+x@Receiving.Example")
    }

    private func contents() throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).lowercased()
    }

    @Test(arguments: KeptAddresses.allCases)
    func mailIsFoundByItsAddresses(_ kept: KeptAddresses) throws {
        try record(Self.mail, kept)
        let reader = try HistoryReader(path: path)
        for sender in ["secretary-7@sending.example", "SECRETARY-1@sending.example", "secretary-7+x@sending.example"] {
            let story = try reader.story(sender: sender, recipient: "receiver+x@receiving.example", limit: 9)
            #expect(story.map(\.mail.attempts) == [3])
            #expect(story.first?.attempts.count == 3)
        }
        #expect(try reader.story(sender: "", recipient: "receiver+x@receiving.example", limit: 9).count == 1)
        #expect(
            try reader.story(sender: "eve@sending.example", recipient: "receiver+x@receiving.example", limit: 9) == [])
        for client in ["198.51.100.77", kept == .hashed ? "198.51.100.78" : "relay.sending"] {
            let story = try reader.story(
                sender: "secretary-7@sending.example", recipient: "receiver+x@receiving.example", client: client,
                limit: 9)
            #expect(story.count == 1, "\(client)")
        }
        let story = try reader.story(
            sender: "secretary-7@sending.example", recipient: "receiver+x@receiving.example", client: "203.0.113.1",
            limit: 9)
        #expect(story == [])
        #expect(try reader.search("Secretary-9@sending.example", limit: 9).cases.count == 1)
        #expect(try reader.search("receiver+x@receiving.example", limit: 9).cases.count == 2)
        // What is shown finds, too.
        let mail = try #require(try reader.search("", limit: 9).cases.last)
        if kept != .domain { #expect(try reader.search(mail.sender, limit: 9).cases.map(\.id) == [mail.id]) }
        var filter = HistoryFilter(limit: 9)
        filter.recipient = "receiver+x@receiving.example"
        #expect(try reader.decisions(filter).count == 4)
    }

    @Test func fullKeepsThem() throws {
        try record(Self.mail, .full)
        let mail = try HistoryReader(path: path).search("", limit: 9).cases
        #expect(mail.map(\.sender) == ["", "secretary-7@sending.example"])
        #expect(mail.map(\.recipient) == Array(repeating: "receiver+x@receiving.example", count: 2))
        #expect(mail.map(\.names) == Array(repeating: ["relay.sending.example"], count: 2))
        let attempts = try HistoryReader(path: path).decisions(HistoryFilter(limit: 9))
        #expect(
            attempts.map(\.sender) == ["", "secretary-8@sending.example"]
                + Array(repeating: "secretary-7@sending.example", count: 2))
        #expect(attempts.allSatisfy { $0.clientAddress == "198.51.100.77" && $0.helo == "helo.sending.example" })
    }

    @Test func domainHidesLocalParts() throws {
        try record(Self.mail, .domain)
        #expect(try HistoryReader(path: path).search("sending.example", limit: 9).cases.count == 1)
        let mail = try HistoryReader(path: path).search("", limit: 9).cases
        #expect(mail.map(\.sender) == ["", "@sending.example"])
        #expect(mail.map(\.recipient) == Array(repeating: "@receiving.example", count: 2))
        #expect(mail.map(\.names) == Array(repeating: ["relay.sending.example"], count: 2))
        let contents = try contents()
        #expect(!contents.contains("secretary") && !contents.contains("receiver"))
        #expect(contents.contains("198.51.100.77"))
        var filter = HistoryFilter(limit: 9)
        filter.sender = "@Sending.example"
        #expect(try HistoryReader(path: path).decisions(filter).count == 3)
    }

    @Test func hashedHidesAddressesAndClients() throws {
        try record(Self.mail, .hashed)
        let mail = try HistoryReader(path: path).search("", limit: 9).cases
        #expect(mail.map(\.sender.count) == [0, 16])
        #expect(mail.map(\.recipient.count) == [16, 16])
        #expect(mail.map(\.names) == [[], []])
        #expect(mail.map(\.networks) == Array(repeating: ["198.51.100.0/24"], count: 2))
        let contents = try contents()
        for word in ["secretary", "receiver", "sending", "receiving", "198.51.100.77"] {
            #expect(!contents.contains(word), "\(word)")
        }
    }

    /// The digests of two histories have nothing in common.
    @Test func eachHistoryHasItsKey() throws {
        try record(Self.mail, .hashed)
        let first = try HistoryReader(path: path).search("", limit: 9).cases.map(\.recipient)
        try FileManager.default.removeItem(atPath: path)
        try record(Self.mail, .hashed)
        #expect(try HistoryReader(path: path).search("", limit: 9).cases.map(\.recipient) != first)
    }

    /// A mail that goes on doesn't keep its addresses when the site stops keeping them.
    @Test(arguments: KeptAddresses.allCases, KeptAddresses.allCases)
    func anotherFormIsTakenOver(_ before: KeptAddresses, _ after: KeptAddresses) throws {
        try record([Said(.new(wait: 300), Self.change)], before)
        var writer = try HistoryWriter(.sample(path, addresses: before), at: noon)
        writer.change(to: .sample("ignored", addresses: after))
        let retry = try DecisionBatch([Said(.retried(delay: 400), after: 400, Self.change)])
        #expect(writer.write(retry, dropped: 0, at: noon) == nil)
        writer.close()
        let mail = try HistoryReader(path: path).search("", limit: 9).cases
        #expect(mail.count == 1)
        let shown = mail.first.map { [$0.sender, $0.recipient] } ?? []
        switch after {
        case .full: #expect(shown == ["secretary-7@sending.example", "receiver+x@receiving.example"])
        case .domain: #expect(shown == ["@sending.example", "@receiving.example"])
        case .hashed: #expect(shown.map(\.count) == [16, 16])
        }
        if after == .hashed { #expect(mail.first?.names == []) }
    }

    /// What is replayed tells one mail from another, whatever is kept.
    @Test(arguments: KeptAddresses.allCases)
    func replayedMailHasAddresses(_ kept: KeptAddresses) throws {
        let other = Said(.new(wait: 300), after: 10) { $0.sender = "other@sending.example" }
        try record(Self.mail + [other], kept)
        var replayed: [ReplayedAttempt] = []
        try HistoryReader(path: path).replay(since: nil) {
            replayed.append($0)
            return true
        }
        #expect(replayed.map(\.attempt.reason) == [.new, .new, .retried, .known, .nullSender])
        let senders = replayed.map(\.attempt.sender)
        #expect(Set(senders).count == (kept == .full ? 4 : 3))
        #expect(senders[0] == senders[2] && senders[4].isEmpty)
        #expect(senders.dropLast().allSatisfy { $0.split(separator: "@").count == 2 })
        #expect(replayed.map(\.hasAddresses) == Array(repeating: kept == .full, count: 5))
        #expect(senders.dropLast().allSatisfy { $0.hasSuffix("@hashed.invalid") } == (kept == .hashed))
    }
}
