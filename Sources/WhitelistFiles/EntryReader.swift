import Greylist
package import JSONText
package import Whitelists

extension EntryMembers {
    /// The longest delay that an entry may give, in seconds: a day.
    private static let delayLimit: Int64 = 86_400

    /// The entry that the members spell.
    func entry(_ terms: SourceTerms, index: Int, line: Int?) throws(EntryFault) -> WhitelistEntry {
        var notes: [String] = []
        return try entry(terms, index: index, line: line, notes: &notes)
    }

    /// The entry that the members spell, and what is to be said of it though it is taken.
    func entry(
        _ terms: SourceTerms, index: Int, line: Int?, notes: inout [String]
    ) throws(EntryFault) -> WhitelistEntry {
        var reader = ConditionReader(allowsPatterns: terms.allowsPatterns)
        let condition = try reader.condition(self)
        notes += reader.notes
        let effect = try effect()
        if effect == .pass, !terms.allowsWide, !(try flag("allow_wide")), let width = condition.tooWide {
            throw EntryFault("\(width); \"allow_wide\": true if that is meant")
        }
        if effect == .pass, !terms.allowsWide, !(try flag("allow_wide")),
            let suffix = condition.publicSuffix(among: terms.suffixes)
        {
            notes.append("\(suffix); \"allow_wide\": true if that is meant")
        }
        for member in ["name", "comment"] {
            guard case .scalar(.string(let text))? = self[member], let remark = hiddenText(text) else { continue }
            notes.append("the \(member) \(remark)")
        }
        return WhitelistEntry(
            condition, effect: effect, expires: try expiry(), comment: try optionalText("comment"), name: ownName,
            index: index, line: line)
    }

    /// Its name, where it has one.
    ///
    /// The name in an entry about an attribute is the attribute's.
    var ownName: String? {
        if case .scalar(.string("attribute"))? = self["type"] { return nil }
        guard case .scalar(.string(let name))? = self["name"], !name.isEmpty else { return nil }
        return name
    }

    private func effect() throws(EntryFault) -> WhitelistEntry.Effect {
        let isGreylisted = try flag("greylist")
        guard let content = self["delay"] else { return isGreylisted ? .greylist : .pass }
        guard case .scalar(let value) = content, let seconds = value.seconds, (1...Self.delayLimit).contains(seconds)
        else {
            throw EntryFault("\"delay\" is \(content.found), not a time from \"1s\" to \"1d\"")
        }
        return .delay(seconds)
    }

    private func expiry() throws(EntryFault) -> Timestamp? {
        guard let text = try optionalText("expires") else { return nil }
        guard let moment = Timestamp(expiry: text) else {
            throw EntryFault(
                "\"expires\" is \(shortened(text)), not a date (2027-01-31, or 2027-01-31T12:00:00Z)")
        }
        return moment
    }
}

/// What is said of a text with characters that can't be seen, or that turn the direction of writing; nil of any other.
func hiddenText(_ text: String) -> String? {
    guard text.unicodeScalars.contains(where: breaksLine) else { return nil }
    return "\(shortened(text)) has characters that can't be seen, or that make it look like another text"
}

extension JSONValue {
    /// The time in seconds that a number, or text such as `90`, `90s`, `5m`, `2h` or `1d`, says.
    fileprivate var seconds: Int64? {
        switch self {
        case .int(let seconds): return Int64(seconds)
        case .string(let text):
            let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
            let unit = text.last.flatMap { units[$0] }
            let digits = unit == nil ? text[...] : text.dropLast()
            guard !digits.isEmpty, digits.utf8.count <= 9, digits.utf8.allSatisfy(isDigit) else { return nil }
            return Int64(digits).map { $0 * (unit ?? 1) }
        default: return nil
        }
    }
}

extension WhitelistEntry {
    /// The entry that members spell, as if they stood in a file.
    package init(members: [JSONMember], _ terms: SourceTerms) throws(WhitelistFault) {
        var notes: [String] = []
        try self.init(members: members, terms, notes: &notes)
    }

    /// The entry that members spell, and what is to be said of it though it is taken.
    package init(members: [JSONMember], _ terms: SourceTerms, notes: inout [String]) throws(WhitelistFault) {
        do throws(EntryFault) {
            self = try EntryMembers(members: members).entry(terms, index: 0, line: nil, notes: &notes)
        } catch {
            throw WhitelistFault(error.sentence)
        }
    }
}
