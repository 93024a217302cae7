public import Greylist

/// Where sightings are kept. Every back end keeps the same contract (tested by one suite):
///
/// - a query is one atomic read-modify-write over its keys;
/// - an answer is given when the store keeps its promise of durability for it, not before;
/// - queries that come together may be committed together; each sees what those before it wrote.
public protocol Store: EntrySource {
    /// Answers queries, as one turn of an event loop gathered them. Never blocks.
    ///
    /// - Parameters:
    ///   - batch: the queries; hand them over with `consume`, and their storage is used for the answer
    ///   - done: called exactly once, on any thread, perhaps before this returns: with the same queries, each with
    ///     its judgement or an error of its own, or with the error for which none of them was answered
    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void)

    /// Removes what is expired from a slice of a table.
    ///
    /// - Parameters:
    ///   - table: the table to go through
    ///   - cursor: where to go on; nil to begin
    ///   - limit: how many entries to look at, at most
    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice

    /// Adds entries that another store has; where both know a key, their sightings are merged, unless one of them has expired.
    ///
    /// May be done again with the same entries. The bounds on pending entries don't hold here.
    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError)

    /// What the table has under these keys, in their order; nil where it has nothing, or nothing that is an entry.
    ///
    /// As it is stored: whether an entry has expired is for the caller to judge.
    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?]

    /// Takes away the entries under these keys; keys without one are no fault.
    ///
    /// When it returns, that is as durable as what was written. It isn't one step: after an error some may be gone.
    func remove(_ keys: [Key], from table: Table) async throws(StoreError)

    /// Looks whether the files of the store are still those that it has open, and opens what has taken their place; to be
    /// called every few seconds.
    func checkFiles(at now: Timestamp) async throws(StoreError)

    /// What it says of itself without going through its entries.
    func figures() async throws(StoreError) -> StoreFigures
}

extension Store {
    /// A store without files has nothing to look at.
    public func checkFiles(at now: Timestamp) async throws(StoreError) {}

    /// Unless it says more, nothing is known.
    public func figures() async throws(StoreError) -> StoreFigures { StoreFigures() }

    /// Which of these keys the table has no entry under: their positions, in ascending order.
    public func absent(_ keys: [Key], from table: Table) async throws(StoreError) -> [Int] {
        let found = try await find(keys, in: table)
        return found.indices.filter { found[$0] == nil }
    }
}

/// What entries can be read from: a store, or a look at the file of one that somebody else has open.
public protocol EntrySource: Sendable {
    /// Reads a slice of a table, in the store's own order.
    ///
    /// What changes meanwhile may be seen or not, and a store that moves its entries about may show one twice.
    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice

    /// How many entries a table has, where that is known without counting them; they may come and go.
    func count(_ table: Table) async throws(StoreError) -> Int?

    /// What of the source is damaged and so won't be read: a sentence; nil where nothing is known to be.
    var flaw: String? { get }

    /// Finishes what was handed over and closes. Nothing may be asked afterwards.
    func close() async
}

extension EntrySource {
    /// A store that is open is whole.
    public var flaw: String? { nil }
}

/// Where a walk through a table goes on.
///
/// Only the store that made it can read it.
public struct Cursor: Sendable, Equatable {
    /// The store's own notion of the place.
    public var bytes: [UInt8]

    /// A cursor at that place.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }
}

/// What a slice of expiry did.
public struct ExpiredSlice: Sendable, Equatable {
    /// Entries looked at.
    public var visited: Int
    /// Entries removed.
    public var removed: Int
    /// Where to go on; nil at the end of the table.
    public var next: Cursor?
    /// Whether nothing was done, because another instance goes through the table this time.
    public var isLeftToOthers = false

    /// The report on a slice; by default of an empty table.
    public init(visited: Int = 0, removed: Int = 0, next: Cursor? = nil) {
        self.visited = visited
        self.removed = removed
        self.next = next
    }
}

/// What a store has under a key.
public struct Entry: Sendable, Equatable {
    /// The key.
    public var key: Key
    /// What is known.
    public var sighting: Sighting

    /// An entry.
    public init(key: Key, sighting: Sighting) {
        self.key = key
        self.sighting = sighting
    }
}

/// The entries of a slice.
public struct ScannedSlice: Sendable {
    /// The entries.
    public var entries: [Entry]
    /// Where to go on; nil at the end of the table.
    public var next: Cursor?

    /// A slice.
    public init(entries: [Entry], next: Cursor?) {
        self.entries = entries
        self.next = next
    }
}

/// Why a store can't be opened or can't answer.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What follows from it.
    public enum Code: Sendable, Equatable {
        /// Another process has the database.
        case inUse
        /// The file can't be read or written with our rights.
        case denied
        /// The file can't be made, or its place isn't fit for one.
        case cannotCreate
        /// The store doesn't answer, or can't write: the next request may fare better.
        case unavailable
        /// What is stored can't be read as ours.
        case corrupt
        /// The store answers but takes no more: it is full, or mayn't write just now.
        case writeRefused
        /// The store refuses us: a password or a right is missing, and no retry helps.
        case misconfigured
    }

    /// What follows from it.
    public var code: Code
    /// The fault and, where there is one, the remedy: one line.
    public var description: String

    /// A fault of a store.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
