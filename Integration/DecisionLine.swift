import Foundation
import LogOutput

/// A line of the daemon's log that tells of a decision: `[queueid: ]action=…, reason=…, client_name=…, …`.
///
/// It is read as a site's script would: cut at comma and blank, then at the first `=`. A value that holds such a
/// thing itself has to be escaped, or it breaks in two here.
struct DecisionLine {
    let queueID: String
    let fields: [(name: String, value: String)]

    /// Nil when the line is about something else.
    init?(_ line: String) {
        guard let action = line.range(of: "action=") else { return nil }
        let before = line[..<action.lowerBound]
        guard before.isEmpty || before.hasSuffix(": "), !before.dropLast(2).contains(" ") else { return nil }
        queueID = String(before.dropLast(2))
        fields = line[action.lowerBound...].components(separatedBy: ", ").map { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count == 2 ? Self.unescape(parts[1]) : "")
        }
    }

    /// The value of a field that stands in the line exactly once, unescaped.
    subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name }
        return values.count == 1 ? values[0].value : nil
    }

    var names: [String] { fields.map(\.name) }

    /// Whether it tells of a retry that came before the delay was over.
    var isEarlyRetry: Bool { self["reason"]?.hasPrefix("early-retry") == true }

    /// Turns each `\xHH` back into its byte.
    private static func unescape(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"),
                let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
