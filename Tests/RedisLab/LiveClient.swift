import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix
package import RedisClient
import RedisStore
import StoreURLs
import TestSupport

/// A client, to be asked from anywhere; closed with the last reference to it.
package final class LiveClient: Sendable {
    package typealias Reply = Result<RESPValue, RedisError>

    private let told = NIOLockedValueBox<[String]>([])
    private let loop: any EventLoop
    private let replies: NIOLoopBound<Replies>

    /// What lives on the loop.
    private final class Replies: ReplyHandler {
        let client: RedisClient
        private var takers: [Int: (Reply) -> Void] = [:]
        private var tag = 0

        init(_ client: RedisClient) { self.client = client }

        func pendingReply(_ taker: @escaping (Reply) -> Void) -> PendingReply {
            tag += 1
            takers[tag] = taker
            return PendingReply(handler: self, tag: tag)
        }

        func handle(_ reply: Reply, tag: Int) {
            guard let taker = takers.removeValue(forKey: tag) else { preconditionFailure("a second reply") }
            taker(reply)
        }
    }

    package init(_ url: String, limits: RedisLimits = .patient) async throws {
        guard case .redis(let location) = try StoreLocation(url: url) else { throw TestError("no redis URL: \(url)") }
        let access = try RedisAccess(location) { [told] warning in told.withLockedValue { $0.append(warning) } }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        replies = try await loop.submit {
            NIOLoopBound(
                Replies(RedisClient(on: loop, configuration: access.configuration, limits: limits)), eventLoop: loop)
        }.get()
    }

    deinit {
        loop.execute { [replies] in replies.value.client.close() }
    }

    /// What the administrator was told.
    package var warnings: [String] { told.withLockedValue { $0 } }

    /// Sends commands together; each is its arguments.
    ///
    /// The key, by which a cluster is chosen, is the second argument.
    package func ask(all commands: [[String]], slot: UInt16? = nil) async throws -> [Reply] {
        try await onLoop { replies, loop in
            let promises = commands.map { _ in loop.makePromise(of: Reply.self) }
            for (arguments, promise) in zip(commands, promises) {
                let key = slot ?? (arguments.count > 1 ? KeySlot.of(Array(arguments[1].utf8).span) : nil)
                replies.client.submit(.command(arguments), slot: key, to: replies.pendingReply { promise.succeed($0) })
            }
            replies.client.flush()
            return EventLoopFuture.whenAllSucceed(promises.map(\.futureResult), on: loop)
        }
    }

    package func ask(_ arguments: String..., slot: UInt16? = nil) async throws -> Reply {
        try await ask(all: [arguments], slot: slot)[0]
    }

    package func ask(_ arguments: String..., on master: RedisClient.Master) async throws -> Reply {
        try await onLoop { replies, loop in
            let promise = loop.makePromise(of: Reply.self)
            replies.client.submit(.command(arguments), on: master, to: replies.pendingReply { promise.succeed($0) })
            replies.client.flush()
            return promise.futureResult
        }
    }

    package func masters() async throws -> [RedisClient.Master] {
        try await onLoop { replies, loop in
            let promise = loop.makePromise(of: [RedisClient.Master].self)
            replies.client.masters { promise.completeWith($0.mapError { $0 }) }
            return promise.futureResult
        }
    }

    package func isReady() async throws -> Bool {
        try await onLoop { replies, loop in loop.makeSucceededFuture(replies.client.isReady) }
    }

    /// Tries until a command succeeds; returns how long that took.
    @discardableResult
    package func untilServed(_ arguments: String..., within limit: Duration = .seconds(60)) async throws -> Duration {
        let start = ContinuousClock.now
        try await waitUntil("\(arguments) succeeds", within: limit) {
            if case .success = try await self.ask(all: [arguments])[0] { true } else { false }
        }
        return .now - start
    }

    package func close() async throws {
        try await onLoop { replies, loop in
            replies.client.close()
            return loop.makeSucceededVoidFuture()
        }
    }

    private func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (Replies, any EventLoop) -> EventLoopFuture<Value>
    ) async throws -> Value {
        try await loop.flatSubmit { [replies, loop] in body(replies.value, loop) }.get()
    }
}

extension ContinuousClock.Instant {
    fileprivate static func - (later: Self, earlier: Self) -> Duration { earlier.duration(to: later) }
}

extension ByteBuffer {
    /// A command of those arguments.
    package static func command(_ arguments: [String]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeString("*\(arguments.count)\r\n")
        for argument in arguments { buffer.writeBulk(argument) }
        return buffer
    }
}

extension LiveClient.Reply {
    package var value: RESPValue? { try? get() }

    package var fault: RedisError? { if case .failure(let fault) = self { fault } else { nil } }

    package var isUnavailable: Bool { if case .unavailable = fault?.kind { true } else { false } }
}

extension RESPValue {
    package static func simple(_ text: String) -> RESPValue { .simple(ByteBuffer(string: text)) }
    package static func error(_ text: String) -> RESPValue { .error(ByteBuffer(string: text)) }
    package static func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }
}

extension RedisLimits {
    /// For tests in which nothing hangs: the machine may be busy with all the others.
    package static var patient: RedisLimits {
        var limits = RedisLimits()
        limits.connect = .seconds(30)
        limits.reply = .seconds(30)
        limits.scouting = .seconds(30)
        return limits
    }
}
