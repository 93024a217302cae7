import Whitelists

/// What entries are gathered in.
protocol EntrySink {
    /// Takes an entry of that list; nil in a text without lists.
    mutating func add(_ entry: WhitelistEntry, list: String?)
}

extension WhitelistBuilder: EntrySink {}

extension [WhitelistEntry]: EntrySink {
    mutating func add(_ entry: WhitelistEntry, list: String?) { append(entry) }
}

/// The entries and complaints of a text while it is read; for one thread.
final class Gathering<Sink: EntrySink> {
    private let empty: Sink
    private(set) var sink: Sink
    private(set) var complaints: [String] = []
    private var count = 0

    init(_ empty: Sink) {
        self.empty = empty
        sink = empty
    }

    /// Forgets everything: the text is read again from its beginning.
    func restart() {
        sink = empty
        complaints = []
        count = 0
    }

    /// Whether there may be another entry.
    var hasRoom: Bool { count < WhitelistLimits.source }

    func add(_ entry: WhitelistEntry, list: String? = nil) {
        count += 1
        sink.add(entry, list: list)
    }

    func complain(of place: String, _ sentence: String) {
        complaints.append("\(place) was skipped: \(sentence)")
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
}
