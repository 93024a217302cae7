import Foundation
import Storage
import Testing

@testable import tprtctl

@Suite("What a copy shows")
struct OutputTests {
    @Test(
        "progress",
        arguments: [
            (
                ProgressLine(read: 520_000, total: 1_000_000, elapsed: .seconds(5)),
                "[##########..........]  52%  520,000 of 1,000,000 entries  104,000/s  4 s left"
            ),
            (
                ProgressLine(read: 300, readBefore: 200, total: 100_000, elapsed: .seconds(10)),
                "[....................]  0%  300 of 100,000 entries  10/s  2 h 46 min left"
            ),
            (
                ProgressLine(read: 1_000, total: 100_000, elapsed: .seconds(1)),
                "[....................]  1%  1,000 of 100,000 entries  1,000/s  1 min 39 s left"
            ),
            (ProgressLine(read: 7, total: nil, elapsed: .zero), "7 entries"),
            (ProgressLine(read: 1_234, total: nil, elapsed: .milliseconds(500)), "1,234 entries  2,468/s"),
            (ProgressLine(read: 0, total: 0, elapsed: .seconds(1)), "0 entries"),
            (
                ProgressLine(read: 12, total: 10, elapsed: .seconds(1)),
                "[####################]  100%  12 of 10 entries  12/s  0 s left"
            ),
        ])
    func progress(line: ProgressLine, text: String) {
        #expect(line.text(columns: 200) == text)
        for columns in [0, 1, 30] { #expect(line.text(columns: columns) == text.prefix(columns)) }
        #expect(line.text(columns: -1).isEmpty)
    }

    @Test(
        "numbers",
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (123_456, "123,456"),
            (1_234_567, "1,234,567"),
        ])
    func numbers(number: Int, text: String) {
        #expect(grouped(number) == text)
    }

    private func report(isDryRun: Bool = false) -> CopyReport {
        var checkpoint = CopyCheckpoint([.greylist, .autoWhitelist])
        checkpoint.tables[0].counts = CopyCounts(read: 1_000_000, copied: 999_990, expired: 10, milliseconds: 12_345)
        checkpoint.tables[1].counts = CopyCounts(read: 20, copied: 20, expired: 0, milliseconds: 7)
        return CopyReport(source: "a\"b", target: "c", isDryRun: isDryRun, tables: checkpoint.tables)
    }

    @Test("the report")
    func text() {
        #expect(
            report().text == """
                table                read   copied  expired  seconds
                greylist        1,000,000  999,990       10     12.3
                auto-whitelist         20       20        0      0.0
                """)
        #expect(report(isDryRun: true).text.hasPrefix("table                read  to copy  expired  seconds\n"))
    }

    @Test("the report as JSON")
    func json() throws {
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(report().json.utf8)) as? [String: Any])
        #expect(object["from"] as? String == "a\"b")
        #expect(object["to"] as? String == "c")
        #expect(object["dry_run"] as? Bool == false)
        let tables = try #require(object["tables"] as? [[String: Any]])
        #expect(tables.map { $0["table"] as? String } == ["greylist", "auto-whitelist"])
        #expect(tables.map { $0["copied"] as? Int } == [999_990, 20])
        #expect(tables.map { $0["expired"] as? Int } == [10, 0])
        #expect(tables.map { $0["seconds"] as? Double } == [12.345, 0.007])
        #expect(report(isDryRun: true).json.contains(#""dry_run": true"#))
        #expect(report(isDryRun: true).json.contains(#""read": 1000000, "copied": 0, "expired": 10"#))
    }
}
