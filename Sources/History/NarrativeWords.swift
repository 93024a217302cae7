import Bytes
public import Engine
public import Greylist

/// How stories and reports write times, durations and clients: one way everywhere.
public enum HistoryWords {
    /// So many seconds in two units: `45 s`, `6 min 12 s`, `2 h 5 min`, `3 days 4 h`.
    public static func duration(_ seconds: Int64) -> String {
        let units: [(seconds: Int64, from: Int64, name: String)] = [
            (86_400, 172_800, "days"), (3_600, 3_600, "h"), (60, 60, "min"), (1, 1, "s"),
        ]
        guard let index = units.firstIndex(where: { seconds >= $0.from }) else { return "0 s" }
        let unit = units[index]
        let whole = "\(seconds / unit.seconds) \(unit.name)"
        guard index + 1 < units.count else { return whole }
        let next = units[index + 1]
        let rest = seconds % unit.seconds / next.seconds
        return rest == 0 ? whole : "\(whole) \(rest) \(next.name)"
    }

    /// The moment in UTC, to the second: `2026-11-30 14:32:05`.
    public static func time(_ moment: Timestamp) -> String {
        let (date, time) = parts(moment)
        return "\(date) \(time)"
    }

    /// The moment to the minute: `2026-11-30 14:32 UTC`.
    public static func minute(_ moment: Timestamp) -> String {
        let (date, time) = parts(moment)
        return "\(date) \(time.prefix(5)) UTC"
    }

    /// From which minute on a moment is over: `14:33 UTC`, with its date unless that is today.
    public static func minute(after moment: Timestamp, at now: Timestamp) -> String {
        let (date, time) = parts(Timestamp(seconds: moment.seconds.addingReportingOverflow(59).partialValue))
        return date == parts(now).date ? "\(time.prefix(5)) UTC" : "\(date) \(time.prefix(5)) UTC"
    }

    private static func parts(_ moment: Timestamp) -> (date: Substring, time: Substring) {
        var bytes: [UInt8] = []
        bytes.append(rfc3339: moment)
        let text = String(decoding: bytes, as: UTF8.self).dropLast()
        return (text.prefix { $0 != "T" }, text.drop { $0 != "T" }.dropFirst())
    }

    /// A client: `192.0.2.7 (mx.example.org)`.
    ///
    /// - Parameters:
    ///   - address: its address, or its network where the site keeps no more
    ///   - name: its name; empty or `unknown` where it has none
    public static func client(_ address: String, _ name: String) -> String {
        if address.utf8.contains(UInt8(ascii: "/")) { return "a client in \(shortened(address))" }
        return isName(name) ? "\(shortened(address)) (\(shortened(name)))" : shortened(address)
    }

    /// Whether a client's name is one.
    static func isName(_ name: String) -> Bool { !name.isEmpty && name != "unknown" }

    /// A text for a sentence or a table: any length and any bytes may have come from a sender.
    public static func shortened(_ text: String) -> String {
        let limit = 80
        return text.utf8.count <= limit ? text : text.prefix(limit - 3) + "..."
    }
}

/// Why, in plain words.
extension HistoryWords {
    /// Why a request was answered as it was: a clause that may follow a colon or "since".
    ///
    /// - Parameters:
    ///   - organisation: the one that the client was known by; empty for none
    ///   - entry: where the whitelist entry stands that had a say; empty for none
    public static func explanation(of reason: ReasonCode, organisation: String, entry: String) -> String {
        switch reason {
        case .noRequest: "Postfix said nothing that greylisting could go by"
        case .otherState: "Postfix wasn't asking about a recipient"
        case .authenticated: "the client was logged in"
        case .outgoing: "it is mail of your own users"
        case .noAddress: "the client's address could not be read"
        case .noSender: "Postfix named no sender"
        case .noRecipient: "Postfix named no recipient"
        case .nullSender: "it is a bounce, and bounces need not wait here (greylist_null_sender)"
        case .clientWhitelist: "\(whitelisted(entry)) is about this client"
        case .heloWhitelist: "\(whitelisted(entry)) is about the name with which this client greets"
        case .recipientWhitelist: "\(whitelisted(entry)) is about this recipient"
        case .senderWhitelist: "\(whitelisted(entry)) is about this sender"
        case .whitelist: "\(whitelisted(entry)) matches"
        case .new: "no mail of this sender to this recipient was known yet"
        case .early: "it came too soon"
        case .retried: "it had waited long enough"
        case .known: "mail of this sender to this recipient had passed before"
        case .autoWhitelisted: "so much mail of this client had passed that it no longer waits (awl_client_count)"
        case .carried: "another recipient of the same message passed"
        case .correspondent: "the recipient had written to this sender, or to its organisation"
        case .earned:
            "\(organisation.isEmpty ? "its organisation" : shortened(organisation)) has earned not to wait"
        case .released: "an administrator had released it"
        case .pendingLimitReached: "too many first attempts were waiting, so it could not be remembered (max_pending)"
        case .storeUnavailable: "the database could not be asked (on_store_error)"
        }
    }

    private static func whitelisted(_ entry: String) -> String {
        entry.isEmpty ? "a whitelist entry" : "the whitelist entry \(shortened(entry))"
    }
}
