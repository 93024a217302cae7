import Foundation
import TestSupport
import Testing

/// Programs that read postgrey's lines read ours.
///
/// Of logwatch the program itself is run. Of the others it is said here, in our own words, which fields they take and how
/// far each reaches; their sources are named.
@Suite("Readers of postgrey's log", .blocking)
struct LogReaderTests {
    /// How a program takes a line apart.
    struct Reader: CustomStringConvertible, Sendable {
        let description: String
        /// What a field's value may be, by its name, in the order of the line.
        let fields: [(name: String, value: String)]
        /// What may stand before the name of the client.
        var beforeClient = ""
        /// Whether nothing may stand before the line, such as the number of a queue file.
        var isAnchored = false

        var expression: String {
            let parts = fields.map { field in
                (field.name == "client_name" ? beforeClient : "") + "\(field.name)=(\(field.value))"
            }
            return (isAnchored ? "^" : "") + parts.joined(separator: ", ")
        }
    }

    static let readers = [
        // Mail-in-a-Box, management/mail_log.py: any text up to the next field, to the last one for those behind the reason.
        Reader(
            description: "Mail-in-a-Box",
            fields: [
                ("action", "greylist|pass"), ("reason", ".*?"), ("client_name", ".*"), ("client_address", ".*"),
                ("sender", ".*"), ("recipient", ".*"),
            ], beforeClient: "(?:delay=[0-9]+, )?", isAnchored: true),
        // sendmailanalyzer 9, parse_postgrey: no value has a comma, but for that of the recipient, and there is no delay.
        Reader(
            description: "sendmailanalyzer",
            fields: [
                ("action", "[^,]+"), ("reason", "[^,]+"), ("client_name", "[^,]+"), ("client_address", "[^,]+"),
                ("sender", "[^,]+"), ("recipient", ".*"),
            ]),
        // docker-mailserver, its tests of postgrey: three fields that follow each other.
        Reader(
            description: "docker-mailserver",
            fields: [("client_address", "[^,]+"), ("sender", "[^,]+"), ("recipient", ".*")]),
    ]

    @Test("Each finds its fields in every line, and the recipient to the end of the line", arguments: readers)
    func readersFindTheirFields(_ reader: Reader) throws {
        let expression = try NSRegularExpression(pattern: reader.expression)
        var read = 0
        for decision in try EveryDecision.all() {
            // These lines they pass over when postgrey writes them, too.
            let isPassedOver =
                decision.sender.isEmpty || (reader.isAnchored && decision.line.hasPrefix("4ABC12: "))
                || (reader.description == "sendmailanalyzer" && decision.delay != nil)
            if isPassedOver { continue }
            let range = NSRange(decision.line.startIndex..., in: decision.line)
            let match = try #require(expression.firstMatch(in: decision.line, range: range), "\(decision.line)")
            for (number, field) in reader.fields.enumerated() {
                let value = Range(match.range(at: number + 1), in: decision.line).map { String(decision.line[$0]) }
                switch field.name {
                case "action": #expect(value == decision.action, "\(decision.line)")
                case "reason": #expect(value?.prefix { $0 != "(" }.trimming == decision.reason, "\(decision.line)")
                case "client_name": #expect(value == "mail.sender.example", "\(decision.line)")
                case "client_address": #expect(value == "192.0.2.7", "\(decision.line)")
                case "sender": #expect(value == decision.sender, "\(decision.line)")
                default: #expect(value == decision.recipient, "\(decision.line)")
                }
            }
            read += 1
        }
        #expect(read > 100)
    }

    @Test("Without an entry and a trial a reason is postgrey's own word")
    func plainReasons() throws {
        for decision in try EveryDecision.all(queueIDs: [""]) where !decision.line.contains(" (entry=") {
            let early = decision.reason == "early-retry" ? " (12s missing)" : ""
            let trial = decision.line.contains(" (mode=observe)") ? " (mode=observe)" : ""
            #expect(
                decision.line.hasPrefix("action=\(decision.action), reason=\(decision.reason)\(trial)\(early), "),
                "\(decision.line)")
        }
    }

    @Test("logwatch counts every line, and groups early retries whatever is said beside")
    func logwatch() throws {
        try withLab { lab in
            let decisions = try EveryDecision.all()
            let stamps = ["Nov  5 16:00:01 mx", "2026-11-05T16:00:01.123456+01:00 mx", "2026-11-05T16:00:01Z mx"]
            let log = decisions.enumerated().map { number, decision in
                "\(stamps[number % stamps.count]) postgrey[4711]: \(decision.line)\n"
            }.joined()
            let report = try logwatchReport(of: log, in: lab)
            #expect(report.counts["Postgrey"] == decisions.count)
            #expect(report.counts["Greylist"] == decisions.count { $0.action == "greylist" })
            #expect(report.counts["Pass"] == decisions.count { $0.action == "pass" })
            #expect(report.counts["Early-retry"] == decisions.count { $0.reason == "early-retry" })
            #expect(!report.text.contains("Unmatched"))
        }
    }

    @Test("With log_ident postgrey, logwatch counts the log of a real day, whole")
    func ident() throws {
        try withLab { lab in
            let path = lab.directory.file("tprtd.log")
            let whitelist = try lab.directory.write(
                whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 0, whitelist: whitelist)
                    + ["-i", "log.log_type=file", "-i", "log.log_file=\(path)", "-i", "log.log_ident=postgrey"],
                listeningAt: [lab.unixEndpoint])
            try daemon.waitUntilReachable()
            let client = try daemon.client()
            for number in 0..<30 {
                var request = PolicyRequest.numbered(number)
                if number % 3 == 0 { request.clientAddress = "192.0.2.9" }
                _ = try client.ask(request)
            }
            #expect(try daemon.terminate() == .exited(0))
            let log = try String(contentsOfFile: path, encoding: .utf8)
            #expect(log.split(separator: "\n").allSatisfy { $0.contains(#/^\S+ \S+ postgrey\[\d+\]: /#) })
            #expect(try logwatchReport(of: log, in: lab).counts["Postgrey"] == 30)
        }
    }

    /// What logwatch says of a mail log: the text, and the number that stands before a heading, summed up.
    private func logwatchReport(of log: String, in lab: Lab) throws -> (text: String, counts: [String: Int]) {
        let directory = try lab.directory.makeDirectory("logwatch")
        try log.write(toFile: "\(directory)/mail.log", atomically: false, encoding: .utf8)
        let text = try run([
            "/usr/sbin/logwatch", "--service", "postfix", "--range", "all", "--detail", "high", "--archives", "0",
            "--logdir", directory, "--format", "text", "--output", "stdout", "--encode", "none",
        ])
        let details = text.components(separatedBy: "****** Detail").dropFirst().joined()
        var counts: [String: Int] = [:]
        for line in details.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 1, let count = Int(words[0]) else { continue }
            counts[words[1], default: 0] += count
        }
        return (text, counts)
    }
}

extension Substring {
    fileprivate var trimming: String { trimmingCharacters(in: .whitespaces) }
}
