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
    /// Those that match or don't by what isn't known of the client.
    private(set) var open: [Entry] = []
    /// All others.
    private(set) var others: [Entry] = []
    /// What would have to be asked; the rest is as without an answer.
    ///
    /// Nothing where no answer changes what becomes of the mail.
    private(set) var questions: [String] = []

    init(
        _ sample: SampleRequest, _ reading: WhitelistSelection.Reading, at now: Timestamp,
        knowing facts: ClientFacts = ClientFacts()
    ) {
        let finding = sample.match(in: Whitelist(reading.parts), at: now, knowing: facts)
        let match = finding.match
        if case .needs(let needs, _) = finding {
            questions = (needs.spf ? ["SPF"] : []) + needs.lists.map { sample.name(in: $0) }
        }
        for entry in reading.entries {
            let holds = sample.satisfies(entry.entry.condition, knowing: facts)
            if entry.location == match?.location, decides == nil {
                decides = entry
            } else if holds != false {
                if let end = entry.entry.expires, now >= end {
                    expired.append(entry)
                } else if holds == nil {
                    open.append(entry)
                } else {
                    later.append(entry)
                }
            } else if let missing = sample.missing(of: entry.entry.condition, knowing: facts) {
                nearly.append((entry, missing))
            } else {
                others.append(entry)
            }
        }
    }

    func text(showsAll: Bool) -> String {
        var lines = questions.isEmpty ? [] : ["to be asked: \(questions.joined(separator: ", ")); without an answer:"]
        lines.append(decides.map { "decides: \($0.text)" } ?? "no entry matches")
        lines += later.map { "matches too, but stands further on: \($0.text)" }
        lines += open.map { "matches or not, by what the DNS says: \($0.text)" }
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
            "questions": .array(questions.map { .string($0) }),
            "open": .array(open.map(\.json)),
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
    fileprivate func missing(of condition: Condition, knowing facts: ClientFacts) -> [Condition]? {
        guard case .all(let parts) = condition else { return nil }
        let missing = parts.filter { satisfies($0, knowing: facts) == false }
        return missing.count < parts.count ? missing : nil
    }
}
