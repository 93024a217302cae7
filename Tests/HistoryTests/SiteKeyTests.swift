import Engine
import Foundation
import GRDB
import Greylist
import Storage
import TestSupport
import Testing

@testable import History

@Suite("A history under the keys of the site")
struct SiteKeyTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private static func keys(_ current: UInt8, former: UInt8? = nil) throws -> SiteKeys {
        func key(_ byte: UInt8) throws -> SiteKey {
            try #require(SiteKey(Array(repeating: byte, count: SiteKey.size)))
        }
        return SiteKeys(current: try key(current), other: try former.map { (try key($0), .former) })
    }

    private func record(_ said: [Said], _ keys: SiteKeys?, _ kept: KeptAddresses = .hashed) throws {
        var options = HistoryOptions.sample(path, addresses: kept)
        options.siteKeys = keys
        var writer = try HistoryWriter(options, at: noon)
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        writer.close()
    }

    private func stories(_ keys: SiteKeys?) throws -> [HistoryStory] {
        try HistoryReader(path: path, siteKeys: keys).story(
            sender: "bob@example.org", recipient: "ann@example.com", limit: 9)
    }

    @Test("mail is found by its addresses with the key, and without it by nothing that was typed")
    func found() throws {
        let (keys, others) = (try Self.keys(1), try Self.keys(2))
        try record([Said(.new(wait: 300))], keys)
        #expect(try stories(keys).count == 1)
        #expect(try stories(nil).isEmpty && stories(others).isEmpty)
        #expect(try !HistoryReader(path: path, siteKeys: keys).lacksSiteKey())
        #expect(try HistoryReader(path: path).lacksSiteKey())
        #expect(try HistoryReader(path: path, siteKeys: others).lacksSiteKey())
        // What stands for the addresses finds it in any case.
        let shown = try #require(try stories(keys).first?.mail)
        #expect(try HistoryReader(path: path).search(shown.sender, limit: 9).cases.count == 1)
        #expect(try HistoryReader(path: path).search("bob@example.org", limit: 9).cases.isEmpty)
    }

    @Test("nothing of a key is in the file")
    func hidden() throws {
        let keys = try Self.keys(0xab)
        try record([Said(.new(wait: 300))], keys)
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(bytes.range(of: Data(repeating: 0xab, count: 8)) == nil)
        #expect(String(decoding: bytes, as: UTF8.self).contains(keys.current.mark))
        for digits in [
            String(repeating: "ab", count: 8),
            String(keys.current.secret(for: .addresses).map { String($0, radix: 16) }.joined().prefix(16)),
        ] {
            #expect(!String(decoding: bytes, as: UTF8.self).contains(digits))
        }
    }

    @Test("a case that waits goes on when the key comes, changes, or goes", arguments: KeptAddresses.allCases)
    func caseGoesOn(_ kept: KeptAddresses) throws {
        let steps: [SiteKeys?] = [nil, try Self.keys(1), try Self.keys(2, former: 1), nil]
        for (index, keys) in steps.enumerated() {
            let time = Int64(index) * 10
            let verdict = index == 0 ? Verdict.new(wait: 300) : .early(wait: 300 - time, delay: time)
            try record([Said(verdict, after: time)], keys, kept)
            if index < 3 { #expect(try stories(keys).map(\.mail.attempts) == [index + 1], "\(kept) \(index)") }
        }
        // Without the keys of before, what was found by them is another case.
        let cases = try HistoryReader(path: path).look { try Int.fetchOne($0, sql: "SELECT count(*) FROM cases") }
        #expect(try stories(nil).count == 1 && cases == 2)
        if kept == .hashed {
            let shown = try #require(try stories(Self.keys(2)).first)
            #expect(
                shown.attempts.allSatisfy { $0.sender == shown.mail.sender && $0.recipient == shown.mail.recipient })
            #expect(try HistoryReader(path: path).search(shown.mail.sender, limit: 9).cases.count == 1)
        }
    }

    @Test("two rotations lose what is known by the first key alone")
    func lost() throws {
        try record([Said(.new(wait: 300))], Self.keys(1))
        #expect(try stories(Self.keys(2, former: 1)).count == 1)
        #expect(try stories(Self.keys(3, former: 2)).isEmpty)
    }
}
