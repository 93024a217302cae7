import Bytes
import Engine
import Foundation
import Greylist
import Policy
import Testing

@testable import LogOutput

/// Whatever a sender says, a line stays one line, its fields stay the same, and each gives the very bytes back.
struct LogFormatTests {
    static let hostile: [[UInt8]] = {
        var values: [[UInt8]] = (0...255).filter { $0 != 10 }.map { [UInt8($0), 97, UInt8($0), 98] }
        values += [
            [], Array("a, recipient=ceo@victim.test".utf8), Array("\" level=error x=\"".utf8),
            Array(#"\x41\\x41\"#.utf8),
            Array(#"\",","action":"pass"#.utf8), [0x1b, 0x5b, 0x32, 0x4a], Array("ü€😀".utf8), Array("=".utf8),
            Array("\u{2028}\u{202e}".utf8), [0xc3], [0xff, 0xfe, 0], Array("a b".utf8), Array("TPRT_ACTION=pass".utf8),
        ]
        var random = SystemRandomNumberGenerator()
        for count in 1...200 {
            values.append(
                (0..<count * 10).map { _ in
                    let byte = UInt8.random(in: .min ... .max, using: &random)
                    return byte == 10 || byte == 13 ? 92 : byte
                })
        }
        // A CR before the line's end belongs to the line's end.
        return values.map { $0.last == 13 ? $0 + [97] : $0 }
    }()

    /// The texts of a decision's record, sender and HELO name as given, in a form.
    static func record(_ form: LogForm, sender: [UInt8], helo: [UInt8]) throws -> [UInt8] {
        let request = try LogTests.request([("sender", sender), ("helo_name", helo)])
        var records = LogRecords()
        records.append(
            decision: DecisionRecord(.judged(.retried(delay: 301))), on: request, as: nil, at: .sample,
            in: form)
        var text: [UInt8] = []
        records.forEachRecord { _, _, record in text.append(record) }
        return text
    }

    /// Turns each `\xHH` back into its byte; nil where a backslash begins anything else.
    static func unescaped(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var (bytes, rest) = ([UInt8](), Array(text)[...])
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard rest.first == UInt8(ascii: "x"), rest.count > 2,
                let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(3)
        }
        return bytes
    }

    /// The pairs of a logfmt line, by the grammar in docs/logging.md.
    static func logfmt(_ line: [UInt8]) -> [(String, [UInt8])]? {
        var (pairs, rest) = ([(String, [UInt8])](), line[...])
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let key = String(decoding: rest[..<equals], as: UTF8.self)
            guard key.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || $0.isLetterOrDigit }) else { return nil }
            rest = rest[(equals + 1)...]
            var value: [UInt8] = []
            if rest.first == UInt8(ascii: "\"") {
                rest.removeFirst()
                while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
                    guard byte == UInt8(ascii: "\\") else {
                        value.append(byte)
                        continue
                    }
                    guard let next = rest.popFirst(), "\\\"".utf8.contains(next) else { return nil }
                    value.append(next)
                }
            } else {
                value = Array(rest.prefix { $0 != UInt8(ascii: " ") })
                rest = rest.dropFirst(value.count)
            }
            guard let bytes = unescaped(value), rest.isEmpty || rest.popFirst() == UInt8(ascii: " ") else { return nil }
            pairs.append((key, bytes))
        }
        return pairs
    }

    /// The fields of a message to the journal, by systemd's description of its protocol.
    static func journal(_ message: [UInt8]) -> [(String, [UInt8])]? {
        var (fields, rest) = ([(String, [UInt8])](), message[...])
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
                fields.append((String(decoding: line[..<equals], as: UTF8.self), Array(line[(equals + 1)...])))
                continue
            }
            guard rest.count >= 8 else { return nil }
            let count = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(8)
            guard rest.count > count else { return nil }
            fields.append((String(decoding: line, as: UTF8.self), Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
            guard rest.popFirst() == UInt8(ascii: "\n") else { return nil }
        }
        return fields
    }

    static func isPrintable(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { (0x20...0x7e).contains($0) } }

    static let names = [
        "action", "reason", "delay", "client_name", "client_address", "helo_name", "sender", "recipient",
    ]

    @Test func logfmtGivesTheVeryBytesBack() throws {
        for (index, sender) in Self.hostile.enumerated() {
            let helo = Self.hostile[(index * 7 + 3) % Self.hostile.count]
            let line = try Self.record(LogForm(format: .logfmt, hasFields: false), sender: sender, helo: helo)
            #expect(Self.isPrintable(line))
            let pairs = try #require(Self.logfmt(line))
            #expect(pairs.map(\.0) == ["time", "level"] + Self.names)
            #expect(pairs[7].1 == helo)
            #expect(pairs[8].1 == sender)
        }
    }

    @Test func jsonGivesTheVeryBytesBack() throws {
        for (index, sender) in Self.hostile.enumerated() {
            let helo = Self.hostile[(index * 7 + 3) % Self.hostile.count]
            let line = try Self.record(LogForm(format: .json, hasFields: false), sender: sender, helo: helo)
            #expect(Self.isPrintable(line))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            #expect(Set(object.keys) == Set(["time", "level"] + Self.names))
            #expect(object["delay"] as? Int == 301)
            #expect(object["reason"] as? String == "triplet found")
            let texts = (object["sender"] as? String ?? "?", object["helo_name"] as? String ?? "?")
            #expect(Self.unescaped(texts.0.utf8) == sender)
            #expect(Self.unescaped(texts.1.utf8) == helo)
        }
    }

    @Test func postgreyGivesTheVeryBytesBack() throws {
        for sender in Self.hostile where !sender.isEmpty {
            let line = try Self.record(LogForm(format: .postgrey, hasFields: false), sender: sender, helo: sender)
            #expect(Self.isPrintable(line))
            let fields = String(decoding: line, as: UTF8.self).components(separatedBy: ", ").map {
                $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            }
            #expect(fields.map { $0[0] } == Self.names.filter { $0 != "helo_name" })
            #expect(Self.unescaped(fields[5][1].utf8) == sender)
        }
    }

    @Test func theJournalGetsTheVeryBytesBesideTheLine() throws {
        for sender in Self.hostile {
            let message = try Self.record(LogForm(format: .postgrey, hasFields: true), sender: sender, helo: sender)
            let fields = try #require(Self.journal(message))
            #expect(fields.map(\.0) == ["MESSAGE"] + Self.names.map { "TPRT_\($0.uppercased())" })
            #expect(Self.isPrintable(fields[0].1))
            #expect(fields[7].1 == sender)
        }
    }

    @Test func whatIsTruncatedOrForgedIsNoLine() {
        #expect(Self.logfmt(Array("a=b c".utf8)) == nil)
        #expect(Self.unescaped("\\y41".utf8) == nil)
        #expect(Self.journal(Array("A\n12345678".utf8)) == nil)
    }

    @Test(arguments: [
        (
            LineFormat.logfmt,
            #"time=2026-11-25T16:42:35Z level=info action=greylist reason=early-retry wait=12 delay=288 "#
                + #"client_name=mail.example.org client_address=192.0.2.7 sender="" recipient=u@example.com"#
        ),
        (
            .json,
            #"{"time":"2026-11-25T16:42:35Z","level":"info","action":"greylist","reason":"early-retry","wait":12,"delay":288,"#
                + #""client_name":"mail.example.org","client_address":"192.0.2.7","sender":"","recipient":"u@example.com"}"#
        ),
    ])
    func aDecision(_ format: LineFormat, _ expected: String) throws {
        var records = LogRecords()
        records.append(
            decision: DecisionRecord(.judged(.early(wait: 12, delay: 288))), on: try LogTests.request([("sender", [])]),
            as: nil, at: .sample, in: LogForm(format: format, hasFields: false))
        records.forEachRecord { severity, time, text in
            #expect(severity == .info)
            #expect(time == .sample)
            var bytes: [UInt8] = []
            bytes.append(text)
            #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
        #expect(records.count == 1)
    }
}
