/// Where the page has its data from: closures, so that it knows neither the daemon nor the history.
///
/// They are called from any task, for several requests at a time. Texts may hold anything that a sender wrote, as long as
/// it is Unicode: bytes that aren't are to be escaped before (`\xHH`, as in the log). Times are seconds since 1970, UTC.
public struct PageSource: Sendable {
    /// The time of day.
    public var now: @Sendable () -> Int64
    /// How the daemon is.
    ///
    /// Shown to everyone, but for ``PagePart/place``: it must not name a mail's addresses.
    public var status: @Sendable () async -> PageStatus
    /// The last 24 hours in counts, shown to everyone.
    public var day: @Sendable () async throws(PageError) -> PageDay
    /// What waits now: at most so many cases, oldest first.
    public var waiting: @Sendable (_ limit: Int) async throws(PageError) -> PageList<PageWaitingCase>
    /// The stories of mails with an address like the one that was searched for: at most so many, newest first.
    public var search: @Sendable (_ text: String, _ limit: Int) async throws(PageError) -> PageList<PageStory>
    /// Organisations that earned the fast lane: at most so many, newest first.
    public var identities: @Sendable (_ limit: Int) async throws(PageError) -> PageList<PageIdentity>

    /// A source of these closures.
    public init(
        now: @escaping @Sendable () -> Int64,
        status: @escaping @Sendable () async -> PageStatus,
        day: @escaping @Sendable () async throws(PageError) -> PageDay,
        waiting: @escaping @Sendable (_ limit: Int) async throws(PageError) -> PageList<PageWaitingCase>,
        search: @escaping @Sendable (_ text: String, _ limit: Int) async throws(PageError) -> PageList<PageStory>,
        identities: @escaping @Sendable (_ limit: Int) async throws(PageError) -> PageList<PageIdentity>
    ) {
        self.now = now
        self.status = status
        self.day = day
        self.waiting = waiting
        self.search = search
        self.identities = identities
    }
}

/// Why a part of the page has no data.
public enum PageError: Error, Sendable, Equatable {
    /// There is no history: it is switched off.
    case historyOff
    /// It can't be read now, for this reason, which is shown to everyone: it must not name a mail's addresses.
    case unavailable(String)
}

/// The first elements of a list, and how many there are in all.
public struct PageList<Element: Sendable>: Sendable {
    /// The first ones.
    public var elements: [Element]
    /// How many there are, these included.
    public var total: Int

    /// The first of `total` elements.
    public init(_ elements: [Element], total: Int) {
        self.elements = elements
        self.total = max(total, elements.count)
    }
}
