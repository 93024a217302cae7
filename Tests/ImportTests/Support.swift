import Foundation
import Greylist
import Storage
import SystemPackage
import Whitelists

@testable import Import

/// 2026-11-30T00:53:20Z.
let now = Timestamp(seconds: 1_796_000_000)

/// What reading a text came to.
struct Reading {
    var entries: [ImportedEntry] = []
    var counts = ImportCounts()
    var error: ImportError?

    /// Reads texts in pieces of some bytes.
    init(
        _ format: ImportFormat, _ texts: [(name: String, bytes: [UInt8])],
        options: ImportOptions = ImportOptions(now: now), piece: Int = 1 << 16
    ) {
        var parser = ImportParser(format, options: options)
        do throws(ImportError) {
            for text in texts {
                parser.begin(
                    file: text.name, table: ImportFile(file: FileDescriptor(rawValue: -1), name: text.name).table)
                var start = 0
                while start < text.bytes.count {
                    let end = min(start + piece, text.bytes.count)
                    try parser.feed(text.bytes.span.extracting(start..<end))
                    entries += parser.takeEntries()
                    start = end
                }
                do throws(ImportError) {
                    try parser.end()
                } catch {
                    entries += parser.takeEntries()
                    throw error
                }
            }
            try parser.finish()
        } catch {
            self.error = error
        }
        entries += parser.takeEntries()
        counts = parser.counts
    }

    init(
        _ format: ImportFormat, _ text: String, name: String = "file", options: ImportOptions = ImportOptions(now: now)
    ) {
        self.init(format, [(name, Array(text.utf8))], options: options)
    }

    init(_ kind: ImportKind, _ text: String, name: String = "file", options: ImportOptions = ImportOptions(now: now)) {
        self.init(.database(kind), text, name: name, options: options)
    }

    /// Whether every line is taken, skipped or left out.
    var isAccounted: Bool { counts.lines == counts.takenLines + counts.skippedLines + counts.leftOutLines }

    /// The entries in short: `192.0.2.0/24 a@x u@y 10 20 passed`, the times in seconds before now.
    var texts: [String] { entries.map(\.short) }

    /// The reasons for what was left out, with their lines.
    var leftOut: [String] { counts.told.map { "\($0.line) \($0.reason.rawValue)" } }
}

extension ImportedEntry {
    var short: String {
        switch self {
        case .triplet(let triplet):
            let (sender, recipient) = (text(triplet.sender), text(triplet.recipient))
            return "\(triplet.client) <\(sender)> \(recipient) \(triplet.times.short)"
        case .client(let client):
            let count =
                switch client.count {
                case .total(let count): "\(count)"
                case .one: "+1"
                }
            return "\(client.client) \(count) \(ago(client.first)) \(ago(client.last))"
        case .digest(let digest):
            let bytes = digest.digest.withBytes { $0.map { String(format: "%02x", $0) }.joined() }
            switch digest.subject {
            case .triplet(let times): return "\(bytes) \(times.short)"
            case .client(let passes, let last): return "\(bytes) \(passes) \(ago(last))"
            }
        case .whitelist(let entry):
            let effect = entry.effect == .pass ? "" : "\(entry.effect) "
            return "\(effect)\(entry.condition.short)"
        }
    }
}

extension Condition.Subject {
    fileprivate var short: String {
        switch self {
        case .clientName: "name"
        case .heloName: "helo"
        case .sender: "sender"
        case .recipient: "recipient"
        case .attribute(let name): name
        }
    }
}

extension ImportedTimes {
    fileprivate var short: String { "\(ago(first)) \(ago(last)) \(hasPassed ? "passed" : "pending")" }
}

extension Condition {
    fileprivate var short: String {
        switch self {
        case .client(let network): "client \(network)"
        case .clientName(let domain): "name \(domain)"
        case .heloName(let domain): "helo \(domain)"
        case .sender(let literal): "sender \(literal)"
        case .senderDomain(let domain): "sender @\(domain)"
        case .recipient(let literal): "recipient \(literal)"
        case .recipientDomain(let domain): "recipient @\(domain)"
        case .pattern(let subject, let pattern): "\(subject.short) /\(pattern.text)/"
        case .fact(let fact): "\(fact)"
        case .all(let parts): parts.map(\.short).joined(separator: " and ")
        case .any(let parts): parts.map(\.short).joined(separator: " or ")
        case .attribute, .not: "?"
        }
    }
}

private func ago(_ time: Timestamp) -> Int64 { now.seconds - time.seconds }

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// The moment that many seconds before now.
func before(_ seconds: Int64) -> Int64 { now.seconds - seconds }
