import Foundation
import Glibc
import Greylist
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import LogOutput

extension LogSink {
    /// A sink whose messages are of 2026-11-25, 16:42:35.
    convenience init(
        to destination: LogDestination, format: LineFormat = .postgrey, level: LogLevel = .info, limit: Int = 4 << 20
    ) {
        self.init(destination, format: format, level: level, now: { .sample }, limit: limit)
    }
}

extension Timestamp {
    static let sample = Timestamp(seconds: 1_795_624_955)
}

/// A pipe.
struct Pipe {
    let read: CInt
    let write: CInt

    init() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        (read, write) = (ends[0], ends[1])
    }

    /// What is in it, as lines; it is closed.
    func lines() -> [String] { text().split(separator: "\n").map(String.init) }

    /// What is in it; it is closed.
    func text() -> String {
        close(write)
        defer { close(read) }
        var (text, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = Glibc.read(read, &chunk, chunk.count)
            guard count > 0 else { break }
            text += chunk.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The queue, its thread, and what is lost.
struct LogSinkTests {
    @Test(arguments: [LineFormat.postgrey, .logfmt, .json])
    func aReaderThatDoesNotReadCostsLinesAndNothingElse(_ format: LineFormat) async throws {
        let pipe = try Pipe()
        let sink = LogSink(to: .descriptor(pipe.write), format: format, limit: 100_000)
        let count = 20_000
        let text = String(repeating: "x", count: 99)
        for _ in 0..<count { sink.write(.info, message: text) }
        // Only now somebody reads, until every line is accounted for; the notice comes with what is written later.
        let (kept, lost) = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Self.account(for: count, from: pipe.read)) }
        }
        #expect(lost > 0)
        #expect(kept + lost == count)
        #expect(sink.dropped == lost)
        await sink.flush(within: 5)
        _ = pipe.lines()
    }

    /// Reads until so many lines have come or were reported lost.
    static func account(for count: Int, from descriptor: CInt) -> (kept: Int, lost: Int) {
        var text = ""
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var total = (kept: 0, lost: 0)
        while total.kept + total.lost < count {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            text += String(decoding: chunk.prefix(count), as: UTF8.self)
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            text = String(lines.removeLast())
            for line in lines {
                if line.contains(" log lines were lost: ") {
                    let words = line.split { " \"".contains($0) }
                    let number = words.firstIndex(of: "log").flatMap { Int(words[$0 - 1]) }
                    total.lost += number ?? 0
                } else {
                    total.kept += 1
                }
            }
        }
        return total
    }

    @Test("a copy has every line, and what it loses is not counted")
    func copies() async throws {
        let (log, copy) = (try Pipe(), try Pipe())
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        let sink = LogSink(to: .descriptor(log.write).copied(to: .descriptor(copy.write)))
        let lossy = LogSink(to: .descriptor(log.write).copied(to: .descriptor(full)))
        sink.write(.warning, message: "one")
        await sink.flush(within: 5)
        lossy.write(.info, message: "two")
        await lossy.flush(within: 5)
        lossy.write(.info, message: "three")
        await lossy.flush(within: 5)
        close(full)
        #expect(copy.lines() == ["warning: one"])
        #expect(log.lines() == ["warning: one", "two", "three"])
    }

    @Test func aReaderThatIsGoneIsForgotten() async throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = try Pipe()
        close(pipe.read)
        let sink = LogSink(to: .descriptor(pipe.write))
        for _ in 0..<100 { sink.write(.info, message: "x") }
        await sink.flush(within: 5)
        close(pipe.write)
    }

    @Test func aFullDiskCostsLinesAndSaysHowManyOnceThereIsRoom() async throws {
        let pipe = try Pipe()
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        let sink = LogSink(to: .descriptor(full))
        for _ in 0..<7 {
            sink.write(.info, message: "lost")
            await sink.flush(within: 5)
        }
        #expect(sink.dropped == 7)
        try #require(dup2(pipe.write, full) == full)
        sink.write(.info, message: "kept")
        await sink.flush(within: 5)
        close(full)
        // Told of or not.
        #expect(sink.dropped == 7)
        #expect(
            pipe.lines() == [
                "kept", "warning: 7 log lines were lost: the log was not taken fast enough, or not at all",
            ])
    }

    /// As when a disk is full: a reader that leaves in the middle of a line has taken its beginning.
    @Test func aLineThatWasCutStandsAlone() async throws {
        signal(SIGPIPE, SIG_IGN)
        let (first, second) = (try Pipe(), try Pipe())
        let sink = LogSink(to: .descriptor(first.write))
        // More than a pipe holds.
        sink.write(.info, message: String(repeating: "x", count: 1 << 20))
        var byte: UInt8 = 0
        try #require(read(first.read, &byte, 1) == 1)
        close(first.read)
        await sink.flush(within: 60)
        try #require(dup2(second.write, first.write) == first.write)
        sink.write(.info, message: "after")
        await sink.flush(within: 60)
        close(first.write)
        #expect(second.text().hasPrefix("\nafter\nwarning: 1 log lines were lost: "))
    }

    @Test(arguments: [
        (LineFormat.postgrey, ["warning: a\\x0ab\\x1b k=v", "fine, \"as\" it is"]),
        (
            .logfmt,
            [
                #"time=2026-11-25T16:42:35Z level=warning message="a\\x0ab\\x1b k=v""#,
                #"time=2026-11-25T16:42:35Z level=info message="fine, \"as\" it is""#,
            ]
        ),
        (
            .json,
            [
                #"{"time":"2026-11-25T16:42:35Z","level":"warning","message":"a\\x0ab\\x1b k=v"}"#,
                #"{"time":"2026-11-25T16:42:35Z","level":"info","message":"fine, \"as\" it is"}"#,
            ]
        ),
    ])
    func messagesAreOneLineEach(_ format: LineFormat, _ expected: [String]) async throws {
        let pipe = try Pipe()
        let sink = LogSink(to: .descriptor(pipe.write), format: format)
        let logger = Logger(label: "x") { _ in SinkLogHandler(sink: sink) }
        logger.warning("a\nb\u{1b}", metadata: ["k": "v"])
        logger.info("fine, \"as\" it is")
        logger.debug("not at this level")
        await sink.flush(within: 5)
        #expect(pipe.lines() == expected)
    }

    @Test func theLevelHoldsFromTheMomentItIsSet() async throws {
        let pipe = try Pipe()
        let sink = LogSink(to: .descriptor(pipe.write), level: .warnings)
        let logger = Logger(label: "x") { _ in SinkLogHandler(sink: sink) }
        var quiet = logger
        quiet.logLevel = .error
        logger.info("1")
        sink.level = .debug
        logger.debug("2")
        quiet.warning("3")
        sink.level = .none
        logger.error("4")
        await sink.flush(within: 5)
        #expect(pipe.lines() == ["debug: 2"])
    }

    @Test func underSystemdALineBeginsWithItsPriority() async throws {
        let pipe = try Pipe()
        let sink = LogSink(to: .descriptor(pipe.write, marksPriority: true))
        sink.write(.warning, message: "a")
        sink.write(.info, message: "b")
        await sink.flush(within: 5)
        #expect(pipe.lines() == ["<4>warning: a", "<6>b"])
    }

    @Test func theJournalsStreamIsKnownByItsDeviceAndNumber() throws {
        var status = stat()
        let pipe = try Pipe()
        try #require(fstat(pipe.write, &status) == 0)
        #expect(LogDestination.isJournal(pipe.write, stream: "\(status.st_dev):\(status.st_ino)"))
        #expect(!LogDestination.isJournal(pipe.write, stream: "\(status.st_dev):\(status.st_ino + 1)"))
        #expect(!LogDestination.isJournal(pipe.write, stream: nil))
        _ = pipe.lines()
    }
}
