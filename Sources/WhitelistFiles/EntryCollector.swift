import JSONText
public import Whitelists

/// The name of a list.
struct ListName: Hashable {
    /// As it is written.
    let name: String
    /// As locations and messages have it.
    let shown: String

    init(_ name: String) {
        self.name = name
        shown = named(name)
    }
}

/// What entries are collected in.
protocol EntrySink {
    /// A list begins, which may have no entries.
    mutating func begin(_ list: ListName)
    /// Takes an entry of that list; nil in a text without lists.
    mutating func take(_ entry: WhitelistEntry, list: ListName?)
}

extension WhitelistBuilder: EntrySink {
    mutating func begin(_ list: ListName) {}

    /// Locations have names as they are shown.
    mutating func take(_ entry: WhitelistEntry, list: ListName?) {
        guard let name = entry.name else { return add(entry, list: list?.shown) }
        var entry = entry
        entry.name = named(name)
        add(entry, list: list?.shown)
    }
}

extension [WhitelistEntry]: EntrySink {
    mutating func begin(_ list: ListName) {}
    mutating func take(_ entry: WhitelistEntry, list: ListName?) { append(entry) }
}

/// The entries of a text, and what is said of them, while it is read; for one thread.
final class EntryCollector<Sink: EntrySink> {
    private let empty: Sink
    private(set) var sink: Sink
    private var told: [String] = []
    private var untold = 0
    private var count = 0
    /// What conditions there are beside those of this text.
    private let former: ConditionCount
    private var counts: ConditionCount
    /// What was skipped, a sentence each.
    var messages: [String] { untold == 0 ? told : told + ["and \(untold) more"] }
    /// What is said of entries that were taken, a sentence each.
    private(set) var notes: [String] = []
    /// All of that, each kind once.
    private(set) var digest = RemarkDigest()

    init(_ empty: Sink, beside former: ConditionCount = ConditionCount()) {
        self.empty = empty
        self.former = former
        sink = empty
        counts = former
    }

    /// Forgets everything: the text is read again from its beginning.
    func restart() {
        sink = empty
        told = []
        notes = []
        digest = RemarkDigest()
        untold = 0
        count = 0
        counts = former
    }

    /// Whether there may be another entry; those that are no good count, too.
    var hasRoom: Bool { count < WhitelistLimits.source }

    /// A list begins.
    func begin(_ list: ListName) {
        sink.begin(list)
    }

    /// Takes an entry, unless it has regular expressions or lists in the DNS and there are too many of these.
    func add(_ entry: WhitelistEntry, list: ListName? = nil, at location: @autoclosure () -> String) {
        if let message = refusal(of: entry.condition) { return report(of: location(), message) }
        count += 1
        sink.take(entry, list: list)
    }

    private func refusal(of condition: Condition) -> String? {
        var sum = counts
        sum.add(condition)
        guard sum != counts else { return nil }
        if sum.all > WhitelistLimits.expressions {
            return "there are more than \(WhitelistLimits.expressions) regular expressions; "
                + "each takes memory, and time at every reading"
        }
        if sum.unfiltered > max(counts.unfiltered, WhitelistLimits.unfilteredExpressions) {
            return "there are more than \(WhitelistLimits.unfilteredExpressions) regular expressions without three "
                + "letters in a row that a text must contain; each of these is tried on every request"
        }
        if sum.unfilteredSize > max(counts.unfilteredSize, WhitelistLimits.unfilteredSize) {
            return "the regular expressions without three letters in a row that a text must contain are too large "
                + "together (repetitions such as {50} count as often as they may come)"
        }
        if sum.zones.count > max(counts.zones.count, WhitelistLimits.zones) {
            return "there are more than \(WhitelistLimits.zones) lists in the DNS; a client may have to wait for each"
        }
        counts = sum
        return nil
    }

    /// An entry, or more than one, is no good.
    func report(of location: String, _ message: String) {
        count += 1
        let remark = EntryRemark(location: location, message: message, isFault: true)
        digest.add(remark)
        if told.count < WhitelistLimits.messages { told.append(remark.text) } else { untold += 1 }
    }

    /// An entry is taken, and something is to be said of it.
    func note(at location: String, _ message: String) {
        let remark = EntryRemark(location: location, message: message, isFault: false)
        digest.add(remark)
        if notes.count < WhitelistLimits.messages { notes.append(remark.text) }
    }
}

/// How much is read.
public enum WhitelistLimits {
    /// The most bytes that a file may have: 256 MiB.
    public static let file = 256 << 20
    /// The most entries that a list may have.
    public static let list = 2_000_000
    /// The most entries that a source may have.
    public static let source = 5_000_000
    /// The most messages about a source.
    public static let messages = 1_000
    /// The most regular expressions in all sources together: they take some 5 KB each, and are compiled at every reading.
    public static let expressions = 20_000
    /// The most of those that are tried on every request, since they hold no string that a text must contain.
    public static let unfilteredExpressions = 200
    /// The most instructions that these may have together: a text takes about as many steps for each of its bytes.
    public static let unfilteredSize = 10_000
    /// The most lists in the DNS that entries of all sources together may ask.
    public static let zones = 16
}

/// Which entry of a list is meant.
public enum EntryChoice: Sendable {
    /// The one of that name.
    case name(String)
    /// The one of that number, from 0 as locations have it.
    case number(Int)
    /// The one with that condition, whatever else it says.
    case condition(Condition)
}

/// An entry in a list, as far as it can be read.
struct EntryCandidate {
    /// What it says; nil where it is malformed.
    let entry: WhitelistEntry?
    /// Its name, even then.
    let name: String?
}

extension [EntryCandidate] {
    /// The number of the entry that is meant; nil where there is none.
    ///
    /// - Throws: a sentence where there are several
    func number(of choice: EntryChoice) throws(EntryError) -> Int? {
        let numbers = indices.filter { number in
            switch choice {
            case .name(let name): self[number].name == name
            case .number(let wanted): number == wanted
            case .condition(let condition): self[number].entry?.condition == condition
            }
        }
        guard numbers.count < 2 else {
            let list = numbers.map(String.init).joined(separator: ", ")
            throw EntryError("several entries are meant (\(list)): name one by --number")
        }
        return numbers.first
    }

    /// Whether an entry is there already.
    ///
    /// - Throws: a sentence where another one has its name
    func holds(_ entry: WhitelistEntry) throws(EntryError) -> Bool {
        let isThere = contains { other in
            guard let other = other.entry else { return false }
            return other.condition == entry.condition && other.effect == entry.effect && other.expires == entry.expires
                && (entry.name == nil || other.name == entry.name)
        }
        if !isThere, let name = entry.name, contains(where: { $0.name == name }) {
            throw EntryError("another entry is called \(named(name)): remove it first, or choose another name")
        }
        return isThere
    }
}
