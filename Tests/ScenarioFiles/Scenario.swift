import Foundation
public import Greylist
public import Storage
import WhitelistFiles
public import Whitelists

/// A story of requests, answers and passing time, in a file that an administrator can read.
///
///     # comment
///     set NAME VALUE              a setting of the section service, before the first request
///     entry {"type": ...}         a whitelist entry, as in a file; regular expressions are on
///     > name=value name="value"   a request; what isn't named is as in `Scenario.plain`, `-name` leaves one out
///     < TEXT                      the whole action that must come back
///     wait 5m                     time passes; `wait -5m` and the clock steps back
///     maintain                    a maintenance pass
///     entries N                   so many entries are in the greylist
///     key N                       from now on keys are made under the site's key of that number
///     key N former M              likewise, and entries under that of the other number are still found
///     key N next M                likewise, before the other one is written by
public struct Scenario: Sendable, CustomStringConvertible {
    /// One line that does something.
    public enum Step: Sendable {
        case request([String: String])
        case answer(String)
        case wait(Int64)
        case maintain
        case entries(Int)
        case keys(SiteKeys)
    }

    /// The name of the file.
    public let description: String
    /// The settings, by name.
    public private(set) var settings: [(name: String, value: String)] = []
    /// The whitelist.
    public private(set) var whitelist = Whitelist()
    private var entries: [String] = []
    /// What happens, each with the number of its line.
    public private(set) var steps: [(line: Int, step: Step)] = []

    /// A line that makes no sense, or a run that took another turn.
    public struct ParseError: Error, CustomStringConvertible {
        /// File, line and message.
        public let description: String

        /// A fault in that line.
        public init(_ scenario: String, _ line: Int, _ message: String) {
            description = "\(scenario):\(line): \(message)"
        }
    }

    /// A request of which nothing is said.
    public static let plain = [
        "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
        "client_address": "192.0.2.7", "client_name": "mail.example.org", "helo_name": "mail.example.org",
        "sender": "sender@example.org", "recipient": "user@example.com",
    ]

    /// The moment at which every scenario begins.
    public static let start = Timestamp(seconds: 1_767_225_600)

    /// All files in the directory `Tests/Scenarios`, found from the place of this source file.
    public static func all() throws -> [Scenario] {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Scenarios")
        let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "txt" }.sorted { $0.path() < $1.path() }.map { file in
            try Scenario(name: file.lastPathComponent, text: String(contentsOf: file, encoding: .utf8))
        }
    }

    /// Reads a scenario.
    public init(name: String, text: String) throws {
        description = name
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            try read(String(line), index + 1)
        }
        let list = "{\"scenario\": [\(entries.joined(separator: ",\n"))]}"
        let document = WhitelistDocument(.json, path: name)
        let reading = try document.part(text: list, SourceOptions(allowsPatterns: true))
        if let message = reading.messages.first { throw ParseError(name, 0, message) }
        whitelist = Whitelist([reading.entries])
    }

    private mutating func read(_ line: String, _ number: Int) throws {
        let words = line.split(separator: " ").map(String.init)
        guard let verb = words.first, !verb.hasPrefix("#") else { return }
        func fault(_ message: String) -> ParseError { ParseError(description, number, message) }
        switch verb {
        case "set" where words.count >= 3:
            settings.append((words[1], words[2...].joined(separator: " ")))
        case "entry" where words.count > 1: entries.append(String(line.dropFirst("entry ".count)))
        case ">":
            steps.append((number, .request(try attributes(String(line.dropFirst(2)), fault))))
        case "<":
            steps.append((number, .answer(String(line.dropFirst(2)))))
        case "wait" where words.count == 2:
            guard let seconds = Self.seconds(words[1]) else { throw fault("no time: \(words[1])") }
            steps.append((number, .wait(seconds)))
        case "maintain": steps.append((number, .maintain))
        case "entries" where words.count == 2:
            guard let count = Int(words[1]) else { throw fault("no number: \(words[1])") }
            steps.append((number, .entries(count)))
        case "key": steps.append((number, .keys(try keys(words, fault))))
        default: throw fault("can't be read: \(line)")
        }
    }

    /// `key N`, or with another one behind its role.
    private func keys(_ words: [String], _ fault: (String) -> ParseError) throws -> SiteKeys {
        func key(_ text: String) throws -> SiteKey {
            guard let number = UInt8(text), let key = SiteKey(Array(repeating: number, count: SiteKey.size)) else {
                throw fault("no number of a key: \(text)")
            }
            return key
        }
        if words.count == 2 { return SiteKeys(current: try key(words[1])) }
        guard words.count == 4, let role = SiteKeys.Role(rawValue: words[2]) else {
            throw fault("expected former or next")
        }
        return SiteKeys(current: try key(words[1]), other: (try key(words[3]), role))
    }

    private func attributes(_ text: String, _ fault: (String) -> ParseError) throws -> [String: String] {
        var attributes = Self.plain
        var rest = text[...]
        while !rest.drop(while: { $0 == " " }).isEmpty {
            rest = rest.drop { $0 == " " }
            if rest.first == "-" {
                let name = rest.dropFirst().prefix { $0 != " " }
                attributes[String(name)] = nil
                rest = rest.dropFirst(name.count + 1)
                continue
            }
            let name = rest.prefix { $0 != "=" }
            guard name.count < rest.count else { throw fault("no name=value: \(rest)") }
            rest = rest.dropFirst(name.count + 1)
            let isQuoted = rest.first == "\""
            let value = isQuoted ? rest.dropFirst().prefix { $0 != "\"" } : rest.prefix { $0 != " " }
            rest = rest.dropFirst(value.count + (isQuoted ? 2 : 0))
            attributes[String(name)] = String(value)
        }
        return attributes
    }

    /// Seconds of `90`, `90s`, `5m`, `2h`, `35d`, with a minus for a clock that steps back.
    public static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let last = text.last else { return nil }
        guard let unit = units[last] else { return Int64(text) }
        return Int64(text.dropLast()).map { $0 * unit }
    }
}
