import JSONText
import Whitelists

/// The name of a list.
struct ListName: Hashable {
    /// As it is written.
    let name: String
    /// As places and complaints have it.
    let shown: String

    init(_ name: String) {
        self.name = name
        shown = named(name)
    }
}

/// What entries are gathered in.
protocol EntrySink {
    /// A list begins, which may have no entries.
    mutating func begin(_ list: ListName)
    /// Takes an entry of that list; nil in a text without lists.
    mutating func take(_ entry: WhitelistEntry, list: ListName?)
}

extension WhitelistBuilder: EntrySink {
    mutating func begin(_ list: ListName) {}

    /// Places have names as they are shown.
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

/// The entries and complaints of a text while it is read; for one thread.
final class Gathering<Sink: EntrySink> {
    private let empty: Sink
    private(set) var sink: Sink
    private var told: [String] = []
    private var untold = 0
    private var count = 0

    init(_ empty: Sink) {
        self.empty = empty
        sink = empty
    }

    /// Forgets everything: the text is read again from its beginning.
    func restart() {
        sink = empty
        told = []
        untold = 0
        count = 0
    }

    /// Whether there may be another entry; those that are no good count, too.
    var hasRoom: Bool { count < WhitelistLimits.source }

    /// A list begins.
    func begin(_ list: ListName) {
        sink.begin(list)
    }

    func add(_ entry: WhitelistEntry, list: ListName? = nil) {
        count += 1
        sink.take(entry, list: list)
    }

    /// An entry, or more than one, is no good.
    func complain(of place: String, _ sentence: String) {
        count += 1
        if told.count < WhitelistLimits.complaints {
            told.append("\(place) was skipped: \(sentence)")
        } else {
            untold += 1
        }
    }

    /// What was skipped, a sentence each.
    var complaints: [String] { untold == 0 ? told : told + ["and \(untold) more"] }
}

/// How much is read.
public enum WhitelistLimits {
    /// The most bytes that a file may have: 256 MiB.
    public static let file = 256 << 20
    /// The most entries that a list may have.
    public static let list = 2_000_000
    /// The most entries that a source may have.
    public static let source = 5_000_000
    /// The most complaints about a source.
    public static let complaints = 1_000
}
