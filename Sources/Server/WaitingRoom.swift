import NIOCore

/// Which requests of one event loop wait for something else than the store, and until when.
///
/// A request goes on once: when what it waits for is there, when its time is over, or at the end of the server. A pure machine:
/// it asks nobody, runs no timer and reads no clock.
///
/// - `Request`: what waits
struct WaitingRoom<Request> {
    private let limit: TimeAmount
    /// In the order of their deadlines.
    private var waiting: [(number: Int, start: NIODeadline, request: Request)] = []
    private var lastNumber = 0
    /// Whether somebody looks after the deadlines.
    var isWatched = false

    /// A room where nobody waits.
    ///
    /// - Parameter limit: how long a request may wait
    init(limit: TimeAmount) {
        self.limit = limit
    }

    /// Keeps a request, and returns the number under which it is called.
    ///
    /// - Parameter start: since when it waits
    mutating func admit(_ request: Request, since start: NIODeadline) -> Int {
        lastNumber += 1
        var place = waiting.count
        while place > 0, waiting[place - 1].start > start { place -= 1 }
        waiting.insert((lastNumber, start, request), at: place)
        return lastNumber
    }

    /// When the request that has waited longest is to go on; nil where nobody waits.
    var deadline: NIODeadline? { waiting.first.map { $0.start + limit } }

    /// Takes a request out, once `isReady` says that it has what it waits for; nil before that, and where it is no longer here.
    mutating func take(
        _ number: Int, if isReady: (inout Request) -> Bool = { _ in true }
    ) -> (start: NIODeadline, request: Request)? {
        guard let index = waiting.firstIndex(where: { $0.number == number }), isReady(&waiting[index].request) else {
            return nil
        }
        let (_, start, request) = waiting.remove(at: index)
        return (start, request)
    }

    /// The request that has waited longest, if its time is over.
    mutating func takeLate(at now: NIODeadline) -> (number: Int, start: NIODeadline, request: Request)? {
        guard let deadline, deadline <= now else { return nil }
        return waiting.removeFirst()
    }

    /// All that wait, for the end of the server.
    mutating func takeAll() -> [(start: NIODeadline, request: Request)] {
        defer { waiting = [] }
        return waiting.map { ($0.start, $0.request) }
    }
}
