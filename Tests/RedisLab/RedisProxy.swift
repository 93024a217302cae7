import Foundation
import TestSupport

/// A TCP proxy on 127.0.0.1 in front of a server, which can do what networks do.
///
/// It has a thread of its own. It knows nothing of Redis's protocol: a "reply" is what the server sent at once. If the
/// server can't be reached, a client is accepted and gets a RST.
public final class RedisProxy: Sendable {
    /// What a truncated reply is followed by.
    public enum AfterTruncation: Sendable {
        /// Nothing, until `release()` or `cut()`.
        case wait
        /// A RST.
        case cut
    }

    /// The address it listens at.
    public let host = "127.0.0.1"
    /// Its port, the same for its lifetime.
    public let port: Int

    private let controls: ProxyControls

    private init(target: Int) throws {
        controls = try ProxyControls()
        let (port, listener) = try Ports.listening(blocks: false)
        self.port = Int(port)
        let thread = Thread { [controls, port = self.port] in
            ProxyLoop(port: port, listener: listener, target: target, controls: controls).run()
        }
        thread.name = "proxy \(port)"
        thread.start()
    }

    deinit {
        controls.post { $0?.stop() }
    }

    /// Starts a proxy in front of a server.
    public static func start(to server: RedisServer) throws -> RedisProxy {
        guard server.port != 0 else { throw TestError("the server has no port") }
        return try RedisProxy(target: server.port)
    }

    /// How many connections there have been, refused ones not counted.
    public var connectionsSeen: Int { controls.connectionsSeen }

    /// How many connections there are.
    public var connectionsOpen: Int { controls.connectionsOpen }

    /// How long replies are kept before they are passed on; their order stays.
    public var latency: Duration {
        get { controls.settings.latency }
        set { controls.change { $0.latency = newValue } }
    }

    /// Whether connections are accepted but nothing passes; what waited goes on its way afterwards.
    public var blackhole: Bool {
        get { controls.settings.blackhole }
        set { controls.change { $0.blackhole = newValue } }
    }

    /// If not nil, replies are passed on byte by byte, with such a pause between them.
    public var dribble: Duration? {
        get { controls.settings.dribble }
        set { controls.change { $0.dribble = newValue } }
    }

    /// Of the next reply, on whatever connection, only the first `bytes` pass, or half of it if nil.
    ///
    /// Nothing follows on this connection but what `then` says.
    public func truncateNextReply(after bytes: Int? = nil, then: AfterTruncation) {
        controls.change { $0.truncation = ProxySettings.Truncation(bytes: bytes, then: then) }
    }

    /// Lets pass what truncated replies lack, and what came after them.
    public func release() async throws {
        try await perform { $0.release() }
    }

    /// Resets all current connections.
    public func cut() async throws {
        try await perform { $0.cut() }
    }

    /// Refuses new connections, or accepts them again; current ones stay.
    public func refuse(_ refuses: Bool) async throws {
        try await perform { try $0.refuse(refuses) }
    }

    /// Resets all connections and ends.
    public func stop() async {
        // If it has ended before, all is well.
        try? await perform { $0.stop() }
    }

    private func perform(_ job: @escaping @Sendable (ProxyLoop) throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            controls.post { loop in
                continuation.resume(
                    with: Result {
                        guard let loop else { throw TestError("the proxy has ended") }
                        try job(loop)
                    })
            }
        }
    }
}
