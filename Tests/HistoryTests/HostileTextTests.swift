import Engine
import GRDB
import Greylist
import TestSupport
import Testing

@testable import History

/// Whatever a client sends stays text: it is bound, bounded and printable, and can be turned back.
struct HostileTextTests {
    static let texts: [String] = [
        "'; DROP TABLE cases; --", "\"; DELETE FROM attempts; --", "' OR 1=1 --", "a\0b", "\0", "\u{ff}\u{fe}",
        "\u{c3}\u{28}",
        "\u{e2}\u{80}\u{ae}evil", "\r\t\u{1b}[2J", "\\", "\\x41", "\\\\x00", "\"],[\"", "%", "_", "*", "?1", ":name",
        "$1", "\u{7f}",
        "<script>alert(1)</script>", " ", "@", "@@", "a@", "@b", "a@b@c", "/", "//", "unknown", "[]", "{}", "NULL", "0",
        "-1", "1e9",
        String(repeating: "\u{ff}", count: 10_000), String(repeating: "a", count: 10_000),
        String(repeating: "'", count: 10_000), String(repeating: "\\", count: 512), "0123456789abcdef",
    ]

    private let directory: TemporaryDirectory
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory(in: "/dev/shm")
    }

    /// The bytes of a text as a history keeps them, as its readers write them.
    private func shown(_ text: String, isLowercased: Bool = false) -> String {
        let bytes = text.unicodeScalars.prefix(DecisionBatch.longestText).map { UInt8($0.value) }
        return String(shown: bytes[...], isLowercased: isLowercased)
    }

    @Test func everyTextInEveryColumn() throws {
        var writer = try HistoryWriter(.sample(path), at: noon)
        var said: [Said] = []
        for (number, text) in Self.texts.enumerated() {
            for column in 0..<5 {
                said.append(
                    Said(.new(wait: 300), after: Int64(number)) { said in
                        (said.proof, said.organisation) = (.spf, "example.org")
                        switch column {
                        case 0: said.client = text
                        case 1: said.name = text
                        case 2: said.helo = text
                        case 3: (said.sender, said.recipient) = (text, "r\(number)x@example.com")
                        default: (said.sender, said.recipient) = ("s\(number)x@example.org", text)
                        }
                    })
            }
        }
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        #expect(writer.counts.attempts == said.count)
        writer.close()
        let reader = try HistoryReader(path: path)
        let attempts = try reader.decisions(HistoryFilter(limit: 10_000)).sorted { $0.id < $1.id }
        #expect(attempts.count == said.count)
        for (said, attempt) in zip(said, attempts) {
            #expect(attempt.clientAddress == shown(said.client))
            #expect(attempt.clientName == shown(said.name, isLowercased: true))
            #expect(attempt.helo == shown(said.helo))
            #expect(attempt.sender == shown(said.sender, isLowercased: true))
            #expect(attempt.recipient == shown(said.recipient, isLowercased: true))
            for text in [attempt.clientAddress, attempt.clientName, attempt.helo, attempt.sender, attempt.recipient] {
                #expect(text.utf8.allSatisfy { (0x20...0x7e).contains($0) })
                #expect(text.utf8.count <= 4 * DecisionBatch.longestText)
            }
            let story = try reader.story(sender: attempt.sender, recipient: attempt.recipient, limit: 1_000)
            #expect(story.flatMap(\.attempts).contains(attempt))
        }
        for mail in try reader.search("", limit: 10_000).cases { #expect(mail.names.count == 1 || mail.names.isEmpty) }
        let tables = [
            "cases WHERE names IS NOT NULL AND NOT json_valid(names)", "attempts", "attempts_readable",
            "cases_readable",
        ]
        let counts = try DatabaseQueue(path: path).read { database in
            try tables.map { table in try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") }
        }
        #expect(counts == [0, said.count, said.count, writer.counts.cases])
    }

    /// Whatever is searched for is a value, never a part of a query.
    @Test(arguments: texts)
    func everyTextIsSearchedFor(_ text: String) throws {
        var writer = try HistoryWriter(.sample(path), at: noon)
        let said = [Said(.new(wait: 300)), Said(.known) { $0.sender = "eve@example.net" }]
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        writer.close()
        let reader = try HistoryReader(path: path)
        #expect(try reader.search(text, limit: 9).cases.isEmpty)
        #expect(try reader.story(sender: text, recipient: text, client: text, limit: 9).isEmpty)
        for column in 0..<3 {
            var filter = HistoryFilter(limit: 9)
            switch column {
            case 0: filter.sender = text
            case 1: filter.recipient = text
            default: filter.client = text
            }
            #expect(try reader.decisions(filter).isEmpty, "\(column)")
        }
        #expect(try reader.known(sender: text, limit: 9).isEmpty)
        #expect(try reader.search("", limit: 9).cases.count == 2)
    }

    @Test func listsOfTextsAreTakenApart() {
        let texts = Self.texts.prefix(SeenTexts.limit).map { shown($0) }
        var seen = SeenTexts(listing: texts[0])
        #expect(texts.dropFirst().map { seen.insert($0) } == Array(repeating: true, count: texts.count - 1))
        #expect(seen.texts == texts)
        #expect(texts.allSatisfy { seen.contains($0) })
        #expect((texts + ["one more"]).map { seen.insert($0) } == Array(repeating: false, count: texts.count + 1))
        #expect(seen.texts == texts)
        #expect(SeenTexts(listing: "").texts == [])
        #expect(SeenTexts(json: nil, first: "a").texts == ["a"])
        var one = SeenTexts(json: nil, first: "a")
        let isAdded = one.insert("b")
        #expect(isAdded && one.texts == ["a", "b"] && one.json == "[\"a\",\"b\"]")
    }

    @Test(arguments: texts)
    func textsAreTurnedBack(_ text: String) {
        let bytes = text.unicodeScalars.map { UInt8($0.value) }
        #expect(String(shown: bytes[...]).shownBytes == bytes)
    }
}
