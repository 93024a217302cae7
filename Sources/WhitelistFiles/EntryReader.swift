import Greylist
package import JSONText
package import Whitelists

extension EntryMembers {
    /// The longest delay that an entry may give, in seconds: a day.
    private static let delayLimit: Int64 = 86_400

    /// The entry that the members spell.
    func entry(_ options: SourceOptions, index: Int, line: Int?) throws(EntryError) -> WhitelistEntry {
        var notes: [String] = []
        return try entry(options, index: index, line: line, notes: &notes)
    }

    /// The entry that the members spell, and what is to be said of it though it is taken.
    func entry(
        _ options: SourceOptions, index: Int, line: Int?, notes: inout [String]
    ) throws(EntryError) -> WhitelistEntry {
        var reader = ConditionReader(allowsPatterns: options.allowsPatterns)
        let condition = try reader.condition(self)
        notes += reader.notes
        let effect = try effect()
        if effect == .pass, !options.allowsWide, !(try flag("allow_wide")), let width = condition.tooWide {
            throw EntryError("\(width); \"allow_wide\": true if that is meant")
        }
        if effect == .pass, !options.allowsWide, !(try flag("allow_wide")),
            let suffix = condition.publicSuffix(among: options.suffixes)
        {
            notes.append("\(suffix); \"allow_wide\": true if that is meant")
        }
        for key in ["name", "comment"] {
            guard case .scalar(.string(let text))? = self[key], let remark = hiddenText(text) else { continue }
            notes.append("the \(key) \(remark)")
        }
        return WhitelistEntry(
            condition, effect: effect, expires: try expiry(), comment: try optionalString("comment"), name: ownName,
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

    private func effect() throws(EntryError) -> WhitelistEntry.Effect {
        let isGreylisted = try flag("greylist")
        guard let content = self["delay"] else { return isGreylisted ? .greylist : .pass }
        guard case .scalar(let value) = content, let seconds = value.seconds, (1...Self.delayLimit).contains(seconds)
        else {
            throw EntryError("\"delay\" is \(content.found), not a time from \"1s\" to \"1d\"")
        }
        return .delay(seconds)
    }

    private func expiry() throws(EntryError) -> Timestamp? {
        guard let text = try optionalString("expires") else { return nil }
        guard let moment = Timestamp(expiry: text) else {
            throw EntryError(
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
    package init(members: [JSONMember], _ options: SourceOptions) throws(WhitelistError) {
        var notes: [String] = []
        try self.init(members: members, options, notes: &notes)
    }

    /// The entry that members spell, and what is to be said of it though it is taken.
    package init(members: [JSONMember], _ options: SourceOptions, notes: inout [String]) throws(WhitelistError) {
        do throws(EntryError) {
            self = try EntryMembers(members: members).entry(options, index: 0, line: nil, notes: &notes)
        } catch {
            throw WhitelistError(error.sentence)
        }
    }
}
