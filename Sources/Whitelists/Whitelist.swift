public import Greylist
public import Policy

/// Who is greylisted otherwise than the rest, or not at all, by the administrator's word.
///
/// A value: a reload makes a new one and swaps it in whole.
///
/// The first entry that matches decides: the sources in their order, in a source its lists, in a list its entries. What
/// kind an entry is makes no difference.
public struct Whitelist: Sendable {
    /// The entry that decides about a request.
    public struct Match: Sendable {
        fileprivate let part: WhitelistPart
        fileprivate let number: Int

        /// What it does.
        public var effect: WhitelistEntry.Effect { part.effects[number] ?? .pass }
        /// What it looks at; nil where it combines conditions.
        public var kind: Condition.Kind? { part.kinds[number] }
        /// Where it stands: source, line, list, and its name or number in the list.
        public var location: String { part.location(number) }
    }

    private let parts: [WhitelistPart]

    /// A whitelist of these parts; none by default.
    public init(_ parts: [WhitelistPart] = []) {
        self.parts = parts
    }

    /// A whitelist of entries that are at hand, without lists; `source` begins their locations.
    public init(_ entries: [WhitelistEntry], source: String) {
        var builder = WhitelistBuilder(source: source)
        for entry in entries { builder.add(entry) }
        self.init([builder.finish()])
    }

    /// How many entries there are.
    public var count: Int { parts.reduce(0) { $0 + $1.count } }

    /// The entry that decides about a request; its envelope must be addressed.
    public func match(_ request: PolicyRequest, _ envelope: Envelope, at now: Timestamp) -> Match? {
        for part in parts {
            if let number = part.match(request, envelope, at: now) { return Match(part: part, number: number) }
        }
        return nil
    }
}

extension Whitelist.Match: Equatable {
    /// Whether both are the same entry of the same reading.
    public static func == (one: Self, other: Self) -> Bool {
        one.part === other.part && one.number == other.number
    }
}
