import Control
import NIOConcurrencyHelpers
import NIOCore

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

    private func dismiss(_ channel: any Channel, _ sentence: String) {
        channel.writeAndFlush(ByteBuffer(string: ControlReply.unavailable(sentence).line)).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
