import Engine
public import Greylist
import Storage

/// What the table of identities is asked for, what is learnt for it, and what it has.
public struct IdentityFigures: Sendable, Equatable {
    /// What becomes of a question.
    public enum Lookup: Int, Sendable, CaseIterable {
        case answered, failed
        /// It wasn't put, since the store has failed lately.
        case paused

        /// The outcome in the form of a label.
        public var text: StaticString {
            switch self {
            case .answered: "answered"
            case .failed: "failed"
            case .paused: "paused"
            }
        }
    }

    /// What the table has entries of.
    public enum Class: Int, Sendable, CaseIterable {
        /// Organisations whose mail was accepted.
        case organisation
        /// Organisations that our users wrote to.
        case correspondent
        /// Users, each with somebody they wrote to.
        case correspondence
        /// Organisations of which an administrator has ordered something.
        case order

        /// The class in the form of a label.
        public var text: StaticString {
            switch self {
            case .organisation: "organisation"
            case .correspondent: "correspondent"
            case .correspondence: "correspondence"
            case .order: "order"
            }
        }
    }

    /// By ``Lookup``: how often a decision asked.
    public internal(set) var lookups = [Int](repeating: 0, count: Lookup.allCases.count)
    /// Events that wait to be written.
    public internal(set) var waiting = 0
    /// Events that were dropped, since too many waited, or the store failed.
    public internal(set) var dropped = 0
    /// Entries that were written.
    public internal(set) var written = 0
    /// By `LessonKind`: what was learnt of outgoing mail that wasn't known.
    public internal(set) var lessons = [Int](repeating: 0, count: LessonKind.allCases.count)
    /// By `LessonRefusal`: what wasn't learnt, or an organisation that wasn't counted.
    public internal(set) var refused = [Int](repeating: 0, count: LessonRefusal.allCases.count)
    /// By ``Class``: how many entries the last search found; nil before the first.
    public internal(set) var entries: [Int]?
    /// Entries that searches have removed.
    public internal(set) var removed = 0
    /// When the last search ended; nil before the first.
    public internal(set) var lastSearch: Timestamp?

    /// Nothing.
    public init() {}
}

extension IdentityFigures.Class {
    /// That of an entry; nil for one that only belongs to another.
    init?(_ record: IdentityRecord) {
        switch record {
        case .days: self = .organisation
        case .users: self = .correspondent
        case .correspondence: self = .correspondence
        case .lane: self = .order
        case .recipients: return nil
        }
    }
}
