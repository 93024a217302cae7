import Greylist
import NIOCore
import Storage
import StoreURLs

@testable import RedisClient
@testable import RedisStore

/// Redis with a replica, behind two Sentinels: the client and the store are the real ones, servers and network are simulated.
final class RedisGround: Ground, @unchecked Sendable {  // guarded by: the thread of its world
    /// For so long a master must be away before another one takes its place, in milliseconds.
    private static let patience: Int64 = 5_000
    /// How often the Sentinels look, in milliseconds.
    private static let pace: Int64 = 500
    private static let service = "tprt"

    private let world: World
    private let promises: StoreLedger
    private let nodes: [RedisNode]
    private lazy var network: RedisNetwork = RedisNetwork(in: world) { [unowned self] host in
        node(host)?.isUp ?? true
    } isQuiet: { [unowned self] host in
        node(host) == nil
    } server: { [unowned self] host, command in
        node(host).map { $0.isUp ? $0.answer(command) : nil } ?? answerAsSentinel(command)
    }
    /// Which one the Sentinels take for the master.
    private var master = 0
    /// Since when it can't be reached by them, in milliseconds.
    private var awaySince: Int64?
    /// The server that reaches neither the other one nor the Sentinels.
    private var isolated: Int?
    /// How long what was written takes to the replica, in milliseconds.
    private var lag: Int64 = 20
    /// When the first write was made that the new master didn't have, while the old one still believes that it is the master.
    private var lostSince: Int64?
    /// Called when what was promised may be gone.
    var forget: () -> Void = {}

    let daemons = 3
    let loops = 1
    /// An alias that couldn't be written is no reason to take a verdict back.
    let promisesAliases = false

    init(in world: World, _ promises: StoreLedger) {
        (self.world, self.promises) = (world, promises)
        nodes = [RedisNode("r0", isMaster: true, in: world), RedisNode("r1", isMaster: false, in: world)]
        watch()
    }

    private func node(_ host: String) -> RedisNode? { nodes.first { $0.host == host } }

    func open(_ daemon: Daemon, loops: Int) throws -> Opening {
        let sentinels = ["s0", "s1"].map { RedisLocation.Endpoint(host: $0, port: 26_379) }
        var access = try RedisAccess(RedisLocation(.sentinels(sentinels, service: Self.service))) { [world] text in
            world.note([.everything], text)
        }
        let number = daemon.number
        access.configuration.transport = network.transport(of: number)
        var options = RedisStore.Options()
        options.keyPrefix = "tprt:"
        // Nothing comes of asking often but more to do.
        var limits = RedisLimits()
        (limits.sentinelPace, limits.idle) = (.seconds(4), .seconds(30))
        let store = RedisStore(access, options: options, limits: limits, background: world.loop)
        return Opening(stores: Array(repeating: store, count: loops), rest: store) { [world, network] in
            network.reset(daemon: number)
            world.run { await store.close() }
        }
    }

    func end() { network.end() }

    // MARK: Sentinels and replication

    private func answerAsSentinel(_ command: [[UInt8]]) -> [UInt8] {
        switch String(decoding: command[0], as: UTF8.self) {
        case "SENTINEL":
            let name = Array(nodes[master].host.utf8)
            return Array("*2\r\n".utf8) + RedisNode.bulk(name) + RedisNode.bulk(Array("6379".utf8))
        case "PING": return Array("+PONG\r\n".utf8)
        default: return Array("+OK\r\n".utf8)
        }
    }

    private func watch() {
        world.quietly(after: Self.pace) { [self] in
            let replica = nodes[1 - master]
            let current = nodes[master]
            if current.isUp, isolated != master {
                awaySince = nil
                if replica.isUp, !replica.isMaster, isolated == nil {
                    replica.apply(current.takeBacklog(until: world.now - lag))
                }
            } else {
                let since = awaySince ?? world.now
                awaySince = since
                if world.now - since >= Self.patience, replica.isUp, isolated != 1 - master { failOver() }
            }
            watch()
        }
    }

    /// The replica becomes the master: what it doesn't have is lost.
    private func failOver() {
        let (former, new) = (nodes[master], nodes[1 - master])
        let lost = former.backlog.first?.time ?? world.now
        world.note([.everything], "\(new.host) becomes the master; what was written since \(Trace.clock(lost)) is lost")
        lostSince = min(lostSince ?? lost, lost)
        promises.suspend()
        forget()
        new.isMaster = true
        master = 1 - master
        awaySince = nil
        if !former.isUp { settle() }
    }

    /// There is one master again, and all go by what it has.
    private func settle() {
        guard let lost = lostSince else { return }
        let former = nodes[1 - master]
        former.follow(nodes[master])
        network.reset(former.host)
        lostSince = nil
        promises.resume(without: lost)
        forget()
        world.note([.everything], "\(former.host) follows \(nodes[master].host)")
    }

    // MARK: What goes wrong

    var faults: [Fault] {
        let hosts = nodes.map(\.host)
        return [
            Fault("the master is down") { [self] in
                nodes[master].isUp = false
                network.reset(nodes[master].host)
            } end: { [self] in
                mend()
            },
            Fault("the master is isolated from replica and Sentinels") { [self] in
                isolated = master
            } end: { [self] in
                mend()
            },
            Fault("the replica is far behind") { [self] in
                lag = 20_000
            } end: { [self] in
                lag = 20
            },
            Fault("daemon 0 doesn't reach Redis") { [self] in
                for host in hosts { network.cut(0, from: host) }
            } end: { [self] in
                network.mend()
            },
            Fault("daemons 1 and 2 don't reach the master") { [self] in
                for daemon in 1...2 { network.cut(daemon, from: nodes[master].host) }
            } end: { [self] in
                network.mend()
            },
            Fault("daemon 2 doesn't reach the Sentinels") { [self] in
                for host in ["s0", "s1"] { network.cut(2, from: host) }
            } end: { [self] in
                network.mend()
            },
            Fault("connections to Redis break") { [self] in
                network.breaks = 60
            } end: { [self] in
                network.breaks = 0
            },
            Fault("Redis is slow") { [self] in
                network.latency = 50...2_500_000
            } end: { [self] in
                network.latency = 50...1_500
            },
            Fault("Redis is full") { [self] in
                for node in nodes { node.isFull = true }
            } end: { [self] in
                for node in nodes { node.isFull = false }
            },
            Fault("Redis forgets its scripts") { [self] in
                for node in nodes { node.forgetScripts() }
            } end: {
            },
        ]
    }

    private func mend() {
        for node in nodes where !node.isUp { node.restart() }
        isolated = nil
        settle()
    }
}
