import Engine
import Foundation
import GRDB
import Greylist
import TestSupport
import Testing

@testable import History

/// That a history stays within its age and size.
struct RetentionTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory(in: "/dev/shm")
    }

    /// How many bytes there are on the disk, what SQLite keeps in memory for its readers aside.
    private var bytes: Int {
        ["", "-wal"].map { suffix in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
            return (attributes?[.size] as? Int) ?? 0
        }.reduce(0, +)
    }

    private func count(_ query: String) throws -> Int {
        try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: query) ?? -1 }
    }

    /// No case is without an attempt, and no attempt without a case.
    private func expectWhole() throws {
        #expect(try count("SELECT count(*) FROM cases WHERE id NOT IN (SELECT case_id FROM attempts)") == 0)
        #expect(try count("SELECT count(*) FROM attempts WHERE case_id NOT IN (SELECT id FROM cases)") == 0)
        #expect(try DatabaseQueue(path: path).read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    }

    /// A mail of its own for each hour, so many hours.
    private func hours(_ hours: Range<Int>) throws -> DecisionBatch {
        try DecisionBatch(
            hours.map { hour in
                Said(.new(wait: 300), after: Int64(hour) * 3_600) { $0.sender = "h\(hour)x@example.org" }
            })
    }

    private func time(_ hours: Int, _ seconds: Int = 0) -> Timestamp {
        Timestamp(seconds: noon.seconds + Int64(hours * 3_600 + seconds))
    }

    @Test func whatIsTooOldGoes() throws {
        var writer = try HistoryWriter(.sample(path, maxAge: 10 * 3_600), at: noon)
        #expect(writer.write(try hours(0..<30), dropped: 0, at: time(0)) == nil)
        for hour in 0..<30 {
            var passes = [Int](repeating: 0, count: ReasonCode.allCases.count)
            passes[Int(ReasonCode.known.rawValue)] = 7
            #expect(writer.record(minute: time(hour, 59), passes: passes, deferrals: passes, at: time(0)) == nil)
        }
        #expect(try count("SELECT count(*) FROM cases") == 30)
        for minute in 0..<60 { #expect(writer.tidy(at: time(29, minute * 60)) == nil) }
        // At 29:59 all before 19:59.
        #expect(try count("SELECT count(*) FROM cases") == 10)
        #expect(try count("SELECT min(first_attempt) FROM cases") == Int(time(20).seconds))
        #expect(try count("SELECT count(*) FROM attempts") == 10)
        #expect(try count("SELECT count(DISTINCT minute) FROM minutes") == 10)
        #expect(writer.counts.removed == 20 + 20 + 2 * 20)
        writer.close()
        try expectWhole()
    }

    /// A case that goes on stays, and loses its old attempts.
    @Test func aCaseThatIsUsedStays() throws {
        var writer = try HistoryWriter(.sample(path, maxAge: 2 * 86_400), at: noon)
        let said = (0..<6).map { day in
            Said(day == 0 ? .new(wait: 300) : .known, after: Int64(day) * 86_400) { $0.isDeferral = day == 0 }
        }
        #expect(
            writer.write(
                try DecisionBatch([said[0], Said(.retried(delay: 400), after: 400)] + said.dropFirst()), dropped: 0,
                at: noon) == nil)
        for minute in 0..<200 { #expect(writer.tidy(at: time(5 * 24, minute * 60)) == nil) }
        writer.close()
        let story = try HistoryReader(path: path).story(
            sender: "bob@example.org", recipient: "ann@example.com", limit: 9)
        #expect(story.first?.mail.waited == 400)
        #expect(story.first?.attempts.map { $0.time.since(noon) / 86_400 } == [4, 5])
    }

    /// A clock that is a year ahead for a moment costs an hour of the history.
    @Test func aStepForwardRemovesLittle() throws {
        var writer = try HistoryWriter(.sample(path, maxAge: 14 * 86_400), at: noon)
        #expect(writer.write(try hours(0..<240), dropped: 0, at: time(240)) == nil)
        for _ in 0..<50 { #expect(writer.tidy(at: time(365 * 24)) == nil) }
        #expect(try count("SELECT count(*) FROM cases") == 239)
        for _ in 0..<50 { #expect(writer.tidy(at: time(240)) == nil) }
        #expect(writer.write(try hours(240..<241), dropped: 0, at: time(241)) == nil)
        #expect(try count("SELECT count(*) FROM cases") == 240)
        // A step back removes nothing.
        for _ in 0..<50 { #expect(writer.tidy(at: time(-365 * 24)) == nil) }
        #expect(try count("SELECT count(*) FROM cases") == 240)
    }

    /// What a clock that was ahead has written isn't in the way of what is too old, and goes first where there is no room.
    @Test func whatIsFromTheFutureGoesFirst() throws {
        var writer = try HistoryWriter(.sample(path, maxAge: 86_400, maxSize: 1 << 20), at: noon)
        #expect(writer.write(try hours(100_000..<100_200), dropped: 0, at: time(100_000)) == nil)
        #expect(writer.write(try hours(0..<48), dropped: 0, at: time(48)) == nil)
        for minute in 0..<120 { #expect(writer.tidy(at: time(48, minute * 60)) == nil) }
        #expect(try count("SELECT count(*) FROM cases WHERE id > 200") < 30)
        #expect(try count("SELECT count(*) FROM cases WHERE id <= 200") == 200)
        var number = 1_000
        while try count("SELECT count(*) FROM cases WHERE id <= 200") > 0, number < 20_000 {
            #expect(writer.write(try flood(number..<number + 10, at: 48), dropped: 0, at: time(48)) == nil)
            number += 10
        }
        #expect(number < 20_000)
        #expect(try count("SELECT count(*) FROM cases WHERE sender = 'f1000@example.org'") == 1)
    }

    /// So many first attempts, each of its own.
    private func flood(_ numbers: Range<Int>, at hour: Int, padding: String = "") throws -> DecisionBatch {
        var random = SeededRandom(seed: UInt64(numbers.lowerBound))
        return try DecisionBatch(
            numbers.map { number in
                let name = "\(UInt32.random(in: 0 ... .max, using: &random))"
                return Said(.new(wait: 300), after: Int64(hour * 3_600) + Int64(number)) {
                    $0.sender = "f\(number)\(padding)@\(number < 2_000 ? "" : name)example.org"
                    $0.recipient = "ann\(number % 100)\(padding)@example.com"
                    $0.client = "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
                    ($0.name, $0.helo) = ("\(name)\(padding).example.net", "\(name)\(padding).helo")
                }
            })
    }

    static let floods: [(size: Int, count: Int, padding: String)] = [
        (1 << 20, 6_000, ""), (4 << 20, 16_000, ""), (1 << 20, 2_000, String(repeating: "\u{ff}", count: 600)),
        (8 << 20, 6_000, String(repeating: "\u{ff}", count: 600)),
    ]

    /// Whatever is sent, the file and what is written ahead of it stay within their size, and the newest are there.
    @Test(arguments: floods)
    func aFloodStaysWithinTheSize(_ size: Int, _ count: Int, _ padding: String) throws {
        var writer = try HistoryWriter(.sample(path, maxSize: size), at: noon)
        var largest = 0
        for start in stride(from: 0, to: count, by: 500) {
            let batch = try flood(start..<start + 500, at: 0, padding: padding)
            #expect(writer.write(batch, dropped: 0, at: time(0)) == nil)
            largest = max(largest, bytes)
            #expect(writer.counts.bytes == bytes)
        }
        #expect(largest <= size)
        #expect(largest > size / 3)
        #expect(writer.counts.dropped == 0)
        #expect(writer.counts.cases == count)
        #expect(writer.counts.attempts == count)
        writer.close()
        #expect(try self.count("SELECT max(id) FROM cases") == count)
        #expect(try self.count("SELECT min(id) FROM cases") > 1)
        #expect(try self.count("SELECT count(*) FROM cases") == count - writer.counts.removed / 2)
        try expectWhole()
    }

    @Test func aSizeThatIsLoweredIsReached() throws {
        var writer = try HistoryWriter(.sample(path, maxSize: 64 << 20), at: noon)
        for start in stride(from: 0, to: 20_000, by: 1_000) {
            #expect(writer.write(try flood(start..<start + 1_000, at: 0), dropped: 0, at: time(0)) == nil)
        }
        #expect(bytes > 4 << 20)
        writer.change(to: .sample(path, maxSize: 2 << 20))
        var calls = 0
        repeat {
            #expect(writer.tidy(at: time(0)) == nil)
            calls += 1
        } while writer.isBehind && calls < 2_000
        #expect(calls < 2_000)
        #expect(bytes <= 2 << 20)
        writer.close()
        try expectWhole()
        #expect(try count("SELECT max(id) FROM cases") == 20_000)
    }

    @Test(arguments: [1 << 20, 2 << 20, 16 << 20, 128 << 20, 256 << 20, 1 << 40])
    func theSizeIsDividedWithoutRest(_ size: Int) {
        let bounds = SizeBounds(maxSize: size)
        #expect(bounds.fileBytes > 0 && bounds.fileBytes + bounds.walBytes < size)
        #expect(bounds.walBytes <= SizeBounds.longestWAL)
        #expect(bounds.freePages >= 8 && bounds.rows >= 8)
        #expect(bounds.fileBytes + bounds.walBytes > size / 2)
    }
}
