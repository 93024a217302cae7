import Engine
import Foundation
import Greylist
import NIOCore
import Policy
import Testing
import Whitelists

@testable import LogOutput

struct LogTests {
    static func request(_ changes: [(String, [UInt8])] = []) throws -> PolicyRequest {
        var attributes: [String: [UInt8]] = [
            "client_name": Array("mail.example.org".utf8), "client_address": Array("192.0.2.7".utf8),
            "sender": Array("a@example.org".utf8), "recipient": Array("u@example.com".utf8),
        ]
        for (name, value) in changes { attributes[name] = value }
        var buffer = ByteBuffer()
        for (name, value) in attributes {
            buffer.writeString(name + "=")
            buffer.writeBytes(value)
            buffer.writeString("\n")
        }
        buffer.writeString("\n")
        var decoder = PolicyDecoder()
        return try #require(try decoder.next(in: &buffer))
    }

    static func line(_ record: DecisionRecord, _ changes: [(String, [UInt8])] = []) throws -> String {
        var line: [UInt8] = []
        line.append(decision: record, on: try request(changes), as: nil)
        return String(decoding: line, as: UTF8.self) + "\n"
    }

    static let rest =
        "client_name=mail.example.org, client_address=192.0.2.7, sender=a@example.org, recipient=u@example.com\n"

    static let reasons: [(Reason, String)] = [
        (.judged(.new(wait: 300)), "action=greylist, reason=new, "),
        (.judged(.early(wait: 12, delay: 288)), "action=greylist, reason=early-retry (12s missing), "),
        (.judged(.retried(delay: 301)), "action=pass, reason=triplet found, delay=301, "),
        (.judged(.known), "action=pass, reason=triplet found, "),
        (.judged(.autoWhitelisted), "action=pass, reason=client AWL, "),
        (.storeFailed, "action=pass, reason=store unavailable, "),
        (.notOurs(.noAddress), "action=pass, reason=client address unreadable, "),
        (.notOurs(.authenticated), "action=pass, reason=client authenticated, "),
    ]

    @Test(arguments: [[("client_name", [UInt8]())], [("client_name", Array("unknown".utf8))]])
    func aClientWithoutANameIsUnknown(_ changes: [(String, [UInt8])]) throws {
        let line = try Self.line(
            DecisionRecord(.judged(.known)), changes + [("client_address", Array("[192.0.2.7]".utf8))])
        #expect(line.hasPrefix("action=pass, reason=triplet found, client_name=unknown, client_address=[192.0.2.7], "))
    }

    @Test(arguments: reasons)
    func hasTheShapeThatReportsRead(_ reason: Reason, _ start: String) throws {
        #expect(try Self.line(DecisionRecord(reason)) == start + Self.rest)
    }

    @Test(arguments: [
        (Condition.Kind.client, "client whitelist"), (.helo, "helo whitelist"), (.sender, "sender whitelist"),
        (.recipient, "recipient whitelist"), (nil, "whitelist"),
    ])
    func namesTheEntryOfAWhitelist(_ kind: Condition.Kind?, _ reason: String) throws {
        let whitelist = Whitelist([WhitelistEntry(.not(.attribute(name: "x", value: "y")))], source: "odd, name")
        let entry = try #require(whitelist.match(try Self.request([]), Envelope(), at: Timestamp(seconds: 0)))
        #expect(
            try Self.line(DecisionRecord(.whitelisted(kind), entry: entry))
                == "action=pass, reason=\(reason) (entry=odd\\x2c\\x20name), " + Self.rest)
        var record = DecisionRecord(.judged(.early(wait: 60, delay: 240)), entry: entry)
        #expect(
            try Self.line(record)
                == "action=greylist, reason=early-retry (entry=odd\\x2c\\x20name) (60s missing), " + Self.rest)
        record.withheld = .action([65])
        #expect(
            try Self.line(record)
                == "action=greylist, reason=early-retry (entry=odd\\x2c\\x20name; mode=observe) (60s missing), "
                + Self.rest)
        record.reason = .judged(.retried(delay: 301))
        #expect(
            try Self.line(record)
                == "action=pass, reason=triplet found (entry=odd\\x2c\\x20name; mode=observe), delay=301, " + Self.rest)
    }

    @Test func leavesOutAnEmptySenderAndNamesTheQueue() throws {
        #expect(
            try Self.line(DecisionRecord(.judged(.known)), [("sender", []), ("queue_id", Array("4ABC".utf8))])
                == "4ABC: action=pass, reason=triplet found, client_name=mail.example.org, client_address=192.0.2.7, recipient=u@example.com\n"
        )
    }

    @Test func marksATrialInTheReason() throws {
        var record = DecisionRecord(.judged(.new(wait: 300)))
        record.withheld = .action([65])
        #expect(
            try Self.line(record) == "action=greylist, reason=new (mode=observe), " + Self.rest)
        record = DecisionRecord(.storeFailed)
        record.withheld = .action([65])
        #expect(try Self.line(record).hasPrefix("action=greylist, reason=store unavailable (mode=observe), "))
        record.withheld = .dunno
        #expect(try Self.line(record).hasPrefix("action=pass, reason=store unavailable (mode=observe), "))
    }

    @Test func deferringWithoutTheStoreIsGreylisting() throws {
        let record = DecisionRecord(.storeFailed, reply: .action([65]))
        #expect(try Self.line(record).hasPrefix("action=greylist, reason=store unavailable, "))
    }

    /// Whatever a client sends, the line stays one line, with the same fields, and gives the very bytes back.
    @Test func noValueCanForgeAFieldOrALine() throws {
        let hostile: [[UInt8]] = [
            Array("a, recipient=ceo@victim.test@evil.example".utf8), Array("x\ry".utf8), [0x1b, 0x5b, 0x32, 0x4a],
            Array("\\x41 \\".utf8), Array(0...9) + Array(11...255), Array("ü€".utf8), Array(", action=pass".utf8),
        ]
        for sender in hostile {
            for recipient in hostile {
                let record = DecisionRecord(.judged(.new(wait: 300)))
                let line = try Self.line(record, [("sender", sender), ("recipient", recipient)])
                #expect(line.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 10 })
                #expect(line.utf8.count { $0 == 10 } == 1)
                let fields = line.dropLast().components(separatedBy: ", ").map {
                    $0.split(separator: "=", maxSplits: 1).map(String.init)
                }
                #expect(
                    fields.map { $0[0] } == [
                        "action", "reason", "client_name", "client_address", "sender", "recipient",
                    ])
                #expect(Self.unescaped(fields[4][1]) == sender)
                #expect(Self.unescaped(fields[5][1]) == recipient)
            }
        }
    }

    static func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\") {
                bytes.append(UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
