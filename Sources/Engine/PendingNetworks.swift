import Greylist

/// From which networks mail waits of organisations that are proven, and of which none has passed yet.
///
/// The record of a domain may list a bot net; then one bot is taken for the sender that another one was. So an organisation
/// from which nothing has passed, as far as is known here, and whose mail waits from more than `networkLimit` networks
/// isn't recognised by itself until its window is over: only by the client's network and host. A window is as long as
/// the retry window, and begins with the first attempt that waits. A pass lifts the limit, and none follows it.
///
/// Each event loop has a value of its own, so that no lock is on the way of a request. With several loops a loop doesn't
/// know what another one has seen: more networks may be used before all of them limit an organisation, and a pass lifts
/// that only for the loop that sees it. All is lost at a restart.
///
/// Bounded: all loops together keep `organisationLimit` organisations, with at most `networkLimit` networks each. Beyond that
/// a loop forgets those that it hasn't come across for longest, half of them at a time; one that is forgotten is counted
/// from nothing.
struct PendingNetworks: Sendable {
    /// From how many networks mail of an organisation may wait.
    static let networkLimit = 24
    /// How many organisations are kept, by all event loops together.
    static let organisationLimit = 65_536

    /// How an organisation stands.
    enum Standing: Sendable {
        /// Some of its mail has passed.
        case passed
        /// None has, and not too much waits.
        case waiting
        /// Its mail waits from too many networks.
        case limited
    }

    private struct Organisation: Hashable {
        let name: [UInt8]

        func hash(into hasher: inout Hasher) {
            name.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    private struct State {
        var standing = Standing.waiting
        /// When its window began.
        var start: Timestamp
        var networks: [UInt32] = []

        /// Whether its window is over; it is, too, where it lies in the future of a clock that was set back.
        func isOver(at now: Timestamp, window: Int64) -> Bool {
            max(now.since(start), start.since(now)) > window
        }

        /// Whether mail may wait from that network.
        func hasRoom(for network: UInt32) -> Bool {
            networks.count < PendingNetworks.networkLimit || networks.contains(network)
        }
    }

    /// How many organisations make a generation.
    private let generationLimit: Int
    /// Those that were come across since the last generation was full.
    private var recent: [Organisation: State] = [:]
    /// The others of the generation before.
    private var older: [Organisation: State] = [:]

    /// One of so many event loops' that share the bound.
    init(loops: Int) {
        generationLimit = max(1, Self.organisationLimit / max(1, loops) / 2)
    }

    /// How many organisations are kept.
    var count: Int { recent.count + older.count }
    /// How many networks are kept.
    var networkCount: Int {
        (Array(recent.values) + Array(older.values)).reduce(0) { $0 + $1.networks.count }
    }

    /// How an organisation stands for an attempt from a network.
    ///
    /// - Parameter window: how long a window is, in seconds
    mutating func standing(
        of organisation: [UInt8], from network: UInt32, at now: Timestamp, window: Int64
    ) -> Standing {
        guard let state = take(Organisation(name: organisation)) else { return .waiting }
        if state.standing == .passed { return .passed }
        if state.isOver(at: now, window: window) { return .waiting }
        return state.standing == .limited || !state.hasRoom(for: network) ? .limited : .waiting
    }

    /// Takes note of an attempt that waits.
    mutating func noteWaiting(_ organisation: [UInt8], from network: UInt32, at now: Timestamp, window: Int64) {
        let organisation = Organisation(name: organisation)
        var state = take(organisation) ?? State(start: now)
        guard state.standing != .passed else { return }
        if state.isOver(at: now, window: window) { state = State(start: now) }
        if !state.hasRoom(for: network) {
            state.standing = .limited
        } else if !state.networks.contains(network) {
            state.networks.append(network)
        }
        keep(state, of: organisation)
    }

    /// Takes note that mail has passed, of which it is proven that it is the organisation's.
    mutating func notePass(of organisation: [UInt8], at now: Timestamp) {
        keep(State(standing: .passed, start: now), of: Organisation(name: organisation))
    }

    /// Takes note that mail has passed that isn't proven, but comes from a network for which it was: what passes by its network
    /// is asked for no proof.
    mutating func notePass(ofUnproven organisation: [UInt8], from network: UInt32, at now: Timestamp) {
        guard take(Organisation(name: organisation))?.networks.contains(network) == true else { return }
        notePass(of: organisation, at: now)
    }

    /// What is known of an organisation, which then counts as come across.
    private mutating func take(_ organisation: Organisation) -> State? {
        if let state = recent[organisation] { return state }
        guard let state = older.removeValue(forKey: organisation) else { return nil }
        keep(state, of: organisation)
        return state
    }

    private mutating func keep(_ state: State, of organisation: Organisation) {
        if recent.updateValue(state, forKey: organisation) == nil, recent.count == generationLimit {
            older = recent
            recent = [:]
        } else if !older.isEmpty {
            older[organisation] = nil
        }
    }
}
