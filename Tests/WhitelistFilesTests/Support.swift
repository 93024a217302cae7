import FoundationEssentials
import Greylist
import NIOConcurrencyHelpers
import Testing
import WhitelistFiles
import Whitelists

/// What was read from a text.
struct ReadText {
    /// The entries as the tests write them down: location, condition, and what is more than plain.
    let entries: [String]
    let skipped: [String]
    /// What is said of entries that were taken.
    let notes: [String]
}

/// Reads a text as if it were a file at `/wl.json`, or of another form.
func whitelist(
    _ text: String, _ form: WhitelistDocument.Form = .json, _ options: SourceOptions = SourceOptions()
) throws -> ReadText {
    let document = WhitelistDocument(form, path: form == .json ? "/wl.json" : "/wl")
    let part = try document.part(text: text, options)
    let reading = try document.entries(text: text, options)
    #expect(part.messages == reading.messages)
    #expect(part.entries.count == reading.entries.count)
    return ReadText(
        entries: reading.entries.enumerated().map { "\(part.entries.location($0)) \(described($1))" },
        skipped: reading.messages, notes: reading.notes)
}

private func described(_ entry: WhitelistEntry) -> String {
    let effect =
        switch entry.effect {
        case .pass: ""
        case .greylist: ", greylist"
        case .delay(let seconds): ", delay \(seconds)"
        }
    return described(entry.condition) + effect + (entry.expires.map { ", until \($0.seconds)" } ?? "")
        + (entry.comment.map { ", \($0)" } ?? "")
}

private func described(_ condition: Condition) -> String {
    switch condition {
    case .client(let network): "client \(network)"
    case .clientName(let domain): "name \(domain)"
    case .heloName(let domain): "helo \(domain)"
    case .recipient(let literal): "recipient \(literal)"
    case .recipientDomain(let domain): "recipient in \(domain)"
    case .sender(let literal): "sender \(literal)"
    case .senderDomain(let domain): "sender in \(domain)"
    case .pattern(let subject, let pattern):
        "\(subject) \(pattern.isAnchored ? "begins with" : "has") /\(pattern.text)/"
    case .attribute(let name, let value): "\(name) is \(value)"
    case .fact(let fact): "\(fact)"
    case .all(let parts): "(" + parts.map(described).joined(separator: " and ") + ")"
    case .any(let parts): "(" + parts.map(described).joined(separator: " or ") + ")"
    case .not(let part): "not \(described(part))"
    }
}

/// Puts a text into a file in place of what it had.
func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}

/// Removes a file.
func remove(_ path: String) throws {
    try FileManager.default.removeItem(atPath: path)
}

/// Puts bytes into a file in place of what it had.
func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
}

/// Counts calls.
final class Readings: Sendable {
    private let count = NIOLockedValueBox(0)

    func next() -> Int {
        count.withLockedValue { count in
            count += 1
            return count
        }
    }
}
