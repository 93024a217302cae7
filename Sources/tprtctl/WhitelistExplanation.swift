import Greylist
import JSONText
import Whitelists

/// Which entry decides about a request, and why the others don't.
struct WhitelistExplanation {
    typealias Entry = WhitelistSelection.Entry

    /// The entry that decides.
    private(set) var decides: Entry?
    /// Those that match, too, but stand further on.
    private(set) var later: [Entry] = []
    /// Those that would match, had they not expired.
    private(set) var expired: [Entry] = []
    /// Combinations of which a part holds, with the parts that stand in the way.
    private(set) var nearly: [(entry: Entry, missing: [Condition])] = []
    /// All others.
    private(set) var others: [Entry] = []

    init(_ sample: SampleRequest, _ reading: WhitelistSelection.Reading, at now: Timestamp) {
        let match = sample.match(in: Whitelist(reading.parts), at: now)
        for entry in reading.entries {
            if sample.satisfies(entry.entry.condition) {
                if let end = entry.entry.expires, now >= end {
                    expired.append(entry)
                } else if decides == nil, entry.location == match?.location {
                    decides = entry
                } else {
                    later.append(entry)
                }
            } else if let missing = sample.missing(of: entry.entry.condition) {
                nearly.append((entry, missing))
            } else {
                others.append(entry)
            }
        }
    }

    func text(showsAll: Bool) -> String {
        var lines: [String] = []
        lines.append(decides.map { "decides: \($0.text)" } ?? "no entry matches")
        lines += later.map { "matches too, but stands further on: \($0.text)" }
        lines += expired.map { "has expired: \($0.text)" }
        for (entry, missing) in nearly {
            let parts = missing.map { bareOrQuoted($0.description) }.joined(separator: "; ")
            lines.append("matches in part: \(entry.text)\n    what doesn't hold: \(parts)")
        }
        if showsAll { lines += others.map { "doesn't match: \($0.text)" } }
        if !showsAll, !others.isEmpty { lines.append("entries that don't match: \(others.count)") }
        return lines.joined(separator: "\n")
    }

    var json: JSONValue {
        .object([
            "decides": decides?.json ?? .null,
            "later": .array(later.map(\.json)),
            "expired": .array(expired.map(\.json)),
            "nearly": .array(
                nearly.map { entry, missing in
                    .object([
                        "entry": entry.json, "missing": .array(missing.map { .string($0.description) }),
                    ])
                }),
            "others": .int(others.count),
        ])
    }
}

extension SampleRequest {
    /// The parts of a combination that don't hold, where others do; nil for everything else.
    fileprivate func missing(of condition: Condition) -> [Condition]? {
        guard case .all(let parts) = condition else { return nil }
        let missing = parts.filter { !satisfies($0) }
        return missing.count < parts.count ? missing : nil
    }
}
