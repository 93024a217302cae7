import Control
import NIOConcurrencyHelpers
import NIOCore

/// The places at the control socket: who has one, and who gives way to a newcomer.
///
/// Root and the daemon's own user have places of their own, so that nobody else can take them. Where all places of a kind
/// are taken, the connection that has waited longest without a request gives way; one whose request is being carried out
/// never does.
struct ControlPlaces {
    /// Whose connection it is.
    enum Rank: CaseIterable {
        /// Root's, or the daemon's own user's.
        case owner
        /// A member's of the daemon's group.
        case member
    }

    /// What becomes of a newcomer.
    enum Answer: Equatable {
        /// It has a place; the other connection, if there is one, has lost its own.
        case admitted(insteadOf: Int?)
        /// Every place is taken by a request that is being carried out.
        case refused
    }

    private struct Place {
        let rank: Rank
        /// The order in which connections began to wait for a request; nil while one is being carried out.
        var waiting: Int?
    }

    private let limit: Int
    private var places: [Int: Place] = [:]
    private var order = 0

    /// So many places for each rank.
    init(limit: Int) {
        self.limit = limit
    }

    /// A connection of that number wants a place.
    mutating func admit(_ number: Int, as rank: Rank) -> Answer {
        order += 1
        let newcomer = Place(rank: rank, waiting: order)
        let others = places.filter { $0.value.rank == rank }
        guard others.count >= limit else {
            places[number] = newcomer
            return .admitted(insteadOf: nil)
        }
        let idle = others.compactMap { number, place in place.waiting.map { (number: number, since: $0) } }
        guard let victim = idle.min(by: { $0.since < $1.since })?.number else { return .refused }
        places[victim] = nil
        places[number] = newcomer
        return .admitted(insteadOf: victim)
    }

    /// A request of that connection begins to be carried out; false where it has lost its place.
    mutating func begin(_ number: Int) -> Bool {
        guard places[number] != nil else { return false }
        places[number]?.waiting = nil
        return true
    }

    /// A request is done, and the connection waits for the next one.
    mutating func rest(_ number: Int) {
        order += 1
        places[number]?.waiting = order
    }

    /// The connection is gone.
    mutating func leave(_ number: Int) {
        places[number] = nil
    }
}

/// Lets clients of the control socket in and sees them off.
struct ControlAdmission: Sendable {
    /// The bounds of the control socket.
    struct Limits: Sendable {
        /// How many connections of root and the own user there may be, and again as many of members of the group.
        var connections = 16
        /// How long a connection may go without a whole request.
        var silence = TimeAmount.seconds(10)
    }

    private struct State {
        var places: ControlPlaces
        var channels: [Int: any Channel] = [:]
        var number = 0
    }

    let limits: Limits
    private let state: NIOLockedValueBox<State>

    init(limits: Limits) {
        self.limits = limits
        state = NIOLockedValueBox(State(places: ControlPlaces(limit: limits.connections)))
    }

    /// The number of a connection that has a place from now on; nil where there is none for it.
    func admit(_ channel: any Channel, as rank: ControlPlaces.Rank) -> Int? {
        let (number, victim) = state.withLockedValue { state -> (Int?, (any Channel)?) in
            state.number += 1
            guard case .admitted(let other) = state.places.admit(state.number, as: rank) else { return (nil, nil) }
            state.channels[state.number] = channel
            return (state.number, other.flatMap { state.channels.removeValue(forKey: $0) })
        }
        if let victim {
            dismiss(victim, "control socket busy: too many connections, and yours was the longest idle; try again")
        }
        return number
    }

    /// A request begins to be carried out; false where its connection has lost its place.
    func begin(_ number: Int) -> Bool { state.withLockedValue { $0.places.begin(number) } }

    /// A request is done.
    func rest(_ number: Int) { state.withLockedValue { $0.places.rest(number) } }

    /// The connection is gone.
    func leave(_ number: Int) {
        state.withLockedValue {
            $0.places.leave(number)
            $0.channels[number] = nil
        }
    }

    /// Closes a connection unless that is called off before its time for a request is over.
    func awaitRequest(on channel: any Channel) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: limits.silence) {
            dismiss(channel, "no request within \(limits.silence.nanoseconds / 1_000_000) ms")
        }
    }

    private func dismiss(_ channel: any Channel, _ message: String) {
        channel.writeAndFlush(ByteBuffer(string: ControlReply.unavailable(message).line)).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
