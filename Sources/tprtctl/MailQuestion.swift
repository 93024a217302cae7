import Bytes
import JSONText
import Programs

/// A mail that is asked about: its addresses as they were typed, or as a line of a log has them.
///
/// In a log, and so here, `\xHH` stands for a byte that can't be shown; the history reads it in the same way.
struct MailQuestion: Equatable {
    /// The sender; empty for the null sender.
    var sender: String
    /// The recipient.
    var recipient: String
    /// The client's address; nil where any will do.
    var client: String?

    /// The addresses as people type them: in angle brackets, too, and `<>` is the null sender.
    init(sender: String, recipient: String, client: String?) {
        self.sender = Self.bare(sender)
        self.recipient = Self.bare(recipient)
        self.client = client
    }

    private static func bare(_ address: String) -> String {
        address.hasPrefix("<") && address.hasSuffix(">") ? String(address.dropFirst().dropLast()) : address
    }

    /// What a line of a log is about; nil where it is neither a decision nor a rejected recipient.
    ///
    /// Decisions are read in each format that tprtd writes and in postgrey's, with whatever the log daemon has put before
    /// them; and Postfix' lines such as `NOQUEUE: reject: RCPT from name[address]: 450 … from=<…> to=<…> …`.
    init?(logLine line: String) {
        let found =
            Self.json(line) ?? Self.postgrey(line) ?? Self.logfmt(line) ?? Self.postfix(line)
        guard let found, !found.recipient.isEmpty else { return nil }
        self = found
    }

    private init?(_ sender: String?, _ recipient: String?, _ client: String?) {
        guard let recipient else { return nil }
        self.sender = sender ?? ""
        self.recipient = recipient
        self.client = client.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The format json: `{"time":…,"action":…,"client_address":…,"sender":…,"recipient":…}`.
    private static func json(_ line: String) -> MailQuestion? {
        guard let start = line.firstIndex(of: "{"),
            case .object(let members)? = try? JSONParser.parse(Array(line[start...].utf8)).value
        else { return nil }
        func text(_ key: String) -> String? {
            if case .string(let text)? = members[key] { text } else { nil }
        }
        guard members["action"] != nil else { return nil }
        return MailQuestion(text("sender"), text("recipient"), text("client_address"))
    }

    /// The format postgrey: `action=…, reason=…, client_name=…, client_address=…[, sender=…], recipient=…`.
    private static func postgrey(_ line: String) -> MailQuestion? {
        guard let start = line.firstRange(of: "action=")?.lowerBound else { return nil }
        var fields: [Substring: Substring] = [:]
        var rest = line[start...]
        // The recipient is the last field, and the rest of the line is its value: postgrey doesn't escape anything.
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals]
            rest = rest[rest.index(after: equals)...]
            let end = name == "recipient" ? nil : rest.firstRange(of: ", ")
            fields[name] = rest[..<(end?.lowerBound ?? rest.endIndex)]
            guard let end else { break }
            rest = rest[end.upperBound...]
        }
        return MailQuestion(
            fields["sender"].map(String.init), fields["recipient"].map(String.init),
            fields["client_address"].map(String.init))
    }

    /// The format logfmt: `action=… client_address=… sender=… recipient=…`, texts with blanks in quotation marks.
    private static func logfmt(_ line: String) -> MailQuestion? {
        guard let start = line.firstRange(of: "action=")?.lowerBound else { return nil }
        var fields: [Substring: String] = [:]
        var rest = line[start...]
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals]
            rest = rest[rest.index(after: equals)...]
            if rest.first == "\"" {
                guard let end = rest.endOfQuotes,
                    case .string(let value)? = try? JSONParser.parse(Array(rest[..<end].utf8)).value
                else { return nil }
                fields[name] = value
                rest = rest[end...]
            } else {
                fields[name] = String(rest.prefix { $0 != " " })
                rest = rest.drop { $0 != " " }
            }
            rest = rest.drop { $0 == " " }
        }
        return MailQuestion(fields["sender"], fields["recipient"], fields["client_address"])
    }

    /// Postfix: `reject: RCPT from name[address]: 450 4.2.0 <…>: …; from=<…> to=<…> proto=… helo=<…>`.
    private static func postfix(_ line: String) -> MailQuestion? {
        guard let start = line.firstRange(of: "RCPT from "),
            let from = line[start.upperBound...].firstRange(of: " from=<"),
            let to = line[from.upperBound...].firstRange(of: "> to=<")
        else { return nil }
        let behind = line[to.upperBound...]
        guard let end = behind.firstRange(of: "> proto=")?.lowerBound ?? behind.lastIndex(of: ">") else { return nil }
        let client = line[start.upperBound..<from.lowerBound].drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
        return MailQuestion(
            String(line[from.upperBound..<to.lowerBound]), String(behind[..<end]), String(client))
    }
}

extension Substring {
    /// Where a text ends that begins with a quotation mark; nil where it doesn't.
    fileprivate var endOfQuotes: Index? {
        var (index, isEscaped) = (self.index(after: startIndex), false)
        while index < endIndex {
            let character = self[index]
            index = self.index(after: index)
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                return index
            }
        }
        return nil
    }
}
