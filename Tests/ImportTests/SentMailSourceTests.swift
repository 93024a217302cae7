import Foundation
import Greylist
import SystemPackage
import TestSupport
import Testing

@testable import Import

/// Several mail logs, compressed or not.
struct SentMailSourceTests {
    /// Logs in a directory of their own.
    private struct Logs {
        let directory: TemporaryDirectory
        private(set) var logs: [MailLog] = []

        init() throws { directory = try TemporaryDirectory() }

        /// Writes a log, and has a program compress it.
        mutating func add(_ name: String, _ text: String, compress command: [String]? = nil) async throws {
            try await add(name, Data(text.utf8), compress: command)
        }

        mutating func add(_ name: String, _ data: Data, compress command: [String]? = nil) async throws {
            let path = directory.file(name)
            try data.write(to: URL(filePath: path))
            if let command {
                let line = "\(command.joined(separator: " ")) <\(path) >\(path).z && mv \(path).z \(path)"
                try await run(["/bin/sh", "-c", line])
            }
            logs.append(MailLog(file: try FileDescriptor.open(path, .readOnly, options: .closeOnExec), name: name))
        }

        func source(tools: [String]? = nil) throws(ImportError) -> SentMailSource {
            let options = ImportOptions(now: Timestamp(seconds: Int64(Date().timeIntervalSince1970)))
            let isLocal: @Sendable ([UInt8]) -> Bool = { $0 == Array("our.example".utf8) }
            guard let tools else { return try SentMailSource(logs, options: options, isLocal: isLocal) }
            return try SentMailSource(logs, options: options, tools: tools, isLocal: isLocal)
        }

        func close() {
            for log in logs { try? log.file.close() }
            directory.remove()
        }
    }

    private static func from(_ time: String, _ id: String = "4ABC12DEF") -> String {
        "\(time) mx postfix/qmgr[9]: \(id): from=<a@our.example>, size=812, nrcpt=1 (queue active)\n"
    }

    private static func sent(_ time: String, _ recipient: String, _ id: String = "4ABC12DEF") -> String {
        "\(time) mx postfix/smtp[8]: \(id): to=<\(recipient)>, relay=x[192.0.2.7]:25, delay=1, delays=0/0/0/1, "
            + "dsn=2.0.0, status=sent (250)\n"
    }

    /// All that is in logs, and the fault that ended it.
    private static func read(_ source: inout SentMailSource) -> (recipients: [String], fault: ImportError?) {
        var recipients: [String] = []
        do throws(ImportError) {
            while let mails = try source.next() {
                recipients += mails.map { String(decoding: $0.recipient, as: UTF8.self) }
            }
            return (recipients, nil)
        } catch {
            return (recipients, error)
        }
    }

    static let compressions = [["gzip"], ["xz"], ["zstd", "-q"]]

    @Test("Logs are read in the order of their times, whatever their names and compression", arguments: compressions)
    func order(_ command: [String]) async throws {
        var logs = try Logs()
        defer { logs.close() }
        try await logs.add(
            "mail.log",
            "cut off\n" + Self.sent("2026-11-03T10:00:00Z", "three@b.example")
                + Self.sent("2026-11-03T10:00:01Z", "four@b.example"))
        try await logs.add("empty", "")
        try await logs.add(
            "mail.log.2", Self.from("2026-11-01T10:00:00Z") + Self.sent("2026-11-01T10:00:01Z", "one@b.example"),
            compress: command)
        try await logs.add("mail.log.1", Self.sent("2026-11-02T10:00:00Z", "two@b.example"), compress: command)
        var source = try logs.source()
        #expect(source.names.filter { $0 != "empty" } == ["mail.log.2", "mail.log.1", "mail.log"])
        let (recipients, fault) = Self.read(&source)
        #expect(recipients == ["one", "two", "three", "four"].map { "\($0)@b.example" } && fault == nil)
        #expect(source.counts.lines == 6 && source.counts.mails == 1 && source.counts.recipients == 4)
        #expect(try source.next() == nil)
        // Again, from the same open files.
        var again = try logs.source()
        #expect(Self.read(&again).recipients == recipients)
    }

    @Test("A large log is unpacked as it is read; what is left of one whose reading is given up is no burden")
    func large() async throws {
        var logs = try Logs()
        defer { logs.close() }
        let count = 20_000
        let text = (0..<count).map { number in
            Self.from("2026-11-01T10:00:00Z", "F\(number)")
                + Self.sent("2026-11-01T10:00:01Z", "b\(number)@b.example", "F\(number)")
        }.joined()
        try await logs.add("mail.log.gz", text, compress: ["gzip"])
        do {
            var source = try logs.source()
            let first = try source.next()
            #expect(first?.isEmpty == false && (first?.count ?? 0) < count)
        }
        var source = try logs.source()
        #expect(Self.read(&source).recipients.count == count)
    }

    @Test("What came before the damage of a compressed log counts, and the log is named")
    func damaged() async throws {
        var logs = try Logs()
        defer { logs.close() }
        let text =
            Self.from("2026-11-01T10:00:00Z")
            + (0..<5_000).map { Self.sent("2026-11-01T10:00:01Z", "b\($0)@b.example") }.joined()
        try await logs.add("whole.gz", text, compress: ["gzip"])
        let whole = try Data(contentsOf: URL(filePath: logs.directory.file("whole.gz")))
        var cut = try Logs()
        defer { cut.close() }
        try await cut.add("cut.gz", whole.prefix(whole.count / 2))
        var source = try cut.source()
        let (recipients, fault) = Self.read(&source)
        #expect(recipients.count > 1_000 && recipients.count < 5_000)
        #expect(fault?.code == .incomplete && fault?.description.hasPrefix("cut.gz: it is damaged or cut off") == true)
        #expect(try source.next() == nil)
        // Bytes behind the end are nothing to complain of.
        var long = try Logs()
        defer { long.close() }
        try await long.add("long.gz", whole + Data([1, 2, 3, 4]))
        source = try long.source()
        let (all, none) = Self.read(&source)
        #expect(all.count == 5_000 && none == nil)
    }

    @Test("A program that isn't installed is named")
    func missingProgram() async throws {
        var logs = try Logs()
        defer { logs.close() }
        try await logs.add("mail.log.zst", Self.from("2026-11-01T10:00:00Z"), compress: ["zstd", "-q"])
        #expect { try logs.source(tools: ["/nowhere"]) } throws: { error in
            (error as? ImportError)?.code == .tool && "\(error)".contains("install Debian's package zstd")
        }
    }

    @Test("What isn't a log is told", arguments: ["nonsense", "nonsense\nmore\n", "\u{1f}x\n"])
    func notALog(_ text: String) async throws {
        var logs = try Logs()
        defer { logs.close() }
        try await logs.add("mail.log", text)
        #expect { try logs.source() } throws: { error in
            (error as? ImportError)?.code == .otherFormat && "\(error)".hasPrefix("mail.log:1: not a mail log")
        }
    }

    @Test("What can't be read twice is told")
    func pipe() throws {
        let ends = try FileDescriptor.pipe()
        defer { for end in [ends.readEnd, ends.writeEnd] { try? end.close() } }
        let logs = [MailLog(file: ends.readEnd, name: "-")]
        #expect { try SentMailSource(logs, options: ImportOptions(now: now)) { _ in true } } throws: { error in
            (error as? ImportError)?.code == .unreadable
        }
    }
}
