/// What a store says of itself without going through its entries.
public struct StoreFigures: Sendable, Equatable {
    /// How long the files of a store are, in bytes.
    public struct Files: Sendable, Equatable {
        /// What has the entries.
        public var database: Int
        /// What is appended to first, where the store does so.
        public var journal: Int

        /// Files of these lengths.
        public init(database: Int, journal: Int = 0) {
            self.database = database
            self.journal = journal
        }
    }

    /// How long its files are; nil where it has none on this machine.
    public var files: Files?
    /// How many entries a table has, those of the last seconds perhaps left out; nil where that isn't known.
    public var entries: PerTable<Int?>
    /// The first attempts that wait, as far as this process knows.
    public var pending: PendingFigures

    /// What isn't said isn't known.
    public init(
        files: Files? = nil, entries: PerTable<Int?> = PerTable { _ in nil }, pending: PendingFigures = PendingFigures()
    ) {
        self.files = files
        self.entries = entries
        self.pending = pending
    }
}

/// How many first attempts wait for their retry, and how many were dropped since the store was opened.
public struct PendingFigures: Sendable, Equatable {
    /// Why a first attempt is no longer remembered, or never was.
    public enum Drop: Int, Sendable, CaseIterable {
        /// It wasn't: as many wait as may, all of them just as new, or the store has no room.
        case limit
        /// It wasn't: as many of its network wait as may.
        case networkLimit
        /// It was the oldest one when there was one too many.
        case oldest

        /// The cause in the form of a label.
        public var text: StaticString {
            switch self {
            case .limit: "limit"
            case .networkLimit: "network-limit"
            case .oldest: "oldest"
            }
        }
    }

    /// How many wait.
    public var count = 0
    /// How many were dropped, by ``Drop``.
    public internal(set) var dropped = [Int](repeating: 0, count: Drop.allCases.count)

    /// None.
    public init() {}
}
