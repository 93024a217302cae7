import Engine
import Foundation
import GRDB
import Greylist
import TestSupport
import Testing

@testable import History

/// docs/history.md describes the tables that there are, and its queries run in Debian's sqlite3.
struct DocumentTests {
    private static let document = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/history.md").standardizedFileURL

    private let directory: TemporaryDirectory
    private let lines: [Substring]
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory()
        lines = try String(contentsOf: Self.document, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        var writer = try HistoryWriter(.sample(directory.file("history.sqlite")), at: noon)
        let said = [
            Said(.new(wait: 300)), Said(.retried(delay: 900), after: 900) { $0.client = "203.0.113.9" },
            Said(.new(wait: 300)) { $0.sender = "waits@example.org" },
        ]
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        var deferrals = ReasonCode.noCounts
        deferrals[.new] = 2
        #expect(writer.record(minute: noon, passes: ReasonCode.noCounts, deferrals: deferrals, at: noon) == nil)
        writer.close()
    }

    @Test func everyColumnIsDescribed() throws {
        var described: [String: [String]] = [:]
        var table = ""
        for line in lines {
            if line.hasPrefix("### ") { table = String(line.dropFirst(4)) }
            if line.hasPrefix("## ") { table = "" }
            if !table.isEmpty, line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") {
                described[table, default: []].append(String(line.dropFirst(3)[..<end]))
            }
        }
        let actual = try DatabaseQueue(path: path).read { database in
            let names = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'grdb_%'
                    """)
            return try Dictionary(
                uniqueKeysWithValues: names.map { name in
                    (name, try database.columns(in: name).map(\.name))
                })
        }
        #expect(described == actual)
        #expect(lines.contains { $0.contains("is the version of these tables, \(HistorySchema.version);") })
    }

    @Test func itsQueriesRun() async throws {
        var commands: [String] = []
        for line in lines where line.hasPrefix("    ") {
            if line.hasPrefix("    sqlite3 ") { commands.append("") }
            commands[commands.count - 1] += line + "\n"
        }
        try #require(commands.count == 5)
        let expected = [
            "waits@example.org", "triplet found, first pass", "example.org", "greylist", "mail.example.org",
        ]
        for (command, word) in zip(commands, expected) {
            let command = command.replacing("/var/lib/tprt/history.sqlite", with: path)
                .replacing("unixepoch('now', '-7 days')", with: "\(noon.seconds - 1)")
            let output = try await run(["sh", "-c", command])
            #expect(output.contains(word), "\(command)")
            #expect(output.contains("─"), "a table with a frame")
        }
    }
}
