import Engine
import NIOCore
import Policy
import Storage

/// Which requests of one event loop wait for what the DNS says of their senders, and until when.
///
/// A request is resumed once: by the answer, when its time is over, or at the end of the server. An answer that comes after
/// its time still tells for what request it is, so that a retry may be recognised by it.
///
/// A pure machine: it asks nobody, runs no timer and reads no clock.
///
/// - `Origin`: who waits for a decision
struct ProofGate<Origin> {
    /// A decision that waits.
    struct Pending {
        let origin: Origin
        let decision: Decision
        /// What the store was asked.
        let query: StoreQuery
        /// Since when it waits for the DNS.
        let start: NIODeadline
    }

    /// What an answer is for.
    enum Arrival {
        /// A decision that waits for it.
        case inTime(Pending)
        /// A request that has been answered without it.
        case late(PolicyRequest, StoreQuery)
        /// Nobody.
        case unclaimed
    }

    /// How many answered requests are kept in case that an answer comes late; further ones are forgotten.
    private static var lateLimit: Int { 1_024 }

    private let budget: TimeAmount
    /// In the order of their deadlines.
    private var pending: [(number: Int, request: Pending)] = []
    private var late: [Int: (PolicyRequest, StoreQuery)] = [:]
    private var lastNumber = 0

    /// A gate where nobody waits.
    ///
    /// - Parameter budget: how long a request may wait
    init(budget: TimeAmount) {
        self.budget = budget
    }

    /// Keeps a decision, and returns the number under which it is answered.
    mutating func admit(_ request: Pending) -> Int {
        lastNumber += 1
        var place = pending.count
        while place > 0, pending[place - 1].request.start > request.start { place -= 1 }
        pending.insert((lastNumber, request), at: place)
        return lastNumber
    }

    /// When the request that has waited longest is to go on; nil where nobody waits.
    var deadline: NIODeadline? { pending.first.map { $0.request.start + budget } }

    /// Takes an answer.
    mutating func take(_ number: Int) -> Arrival {
        if let index = pending.firstIndex(where: { $0.number == number }) {
            return .inTime(pending.remove(at: index).request)
        }
        guard let (request, query) = late.removeValue(forKey: number) else { return .unclaimed }
        return .late(request, query)
    }

    /// The request that has waited longest, if its time is over.
    mutating func takeLate(at now: NIODeadline) -> Pending? {
        guard let deadline, deadline <= now else { return nil }
        let (number, request) = pending.removeFirst()
        if late.count < Self.lateLimit { late[number] = (request.decision.request, request.query) }
        return request
    }

    /// All that wait, for the end of the server.
    mutating func takeAll() -> [Pending] {
        defer { (pending, late) = ([], [:]) }
        return pending.map(\.request)
    }
}
