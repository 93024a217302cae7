import NIOCore
import NIOPosix
import Resolver
import SPF
import ScriptedDNS
import TestSupport

/// A resolver with its thread, and an event loop that asks it.
final class LiveResolver: Sendable {
    let resolver: DNSResolver
    private let loop: any EventLoop
    private let heard = Locked<[String]>([])
    private let loopResolver: NIOLoopBoundBox<LoopResolver>

    init(_ servers: [String], timeout: Duration = .seconds(5)) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let servers = try servers.map { text throws in try DNSServer(text) }
        let resolver = DNSResolver(ResolverOptions(servers: servers, timeout: timeout)) { [heard] sentence in
            heard.withLock { $0.append(sentence) }
        }
        self.resolver = resolver
        self.loop = loop
        loopResolver = try await loop.submit {
            NIOLoopBoundBox(LoopResolver(resolver, on: loop), eventLoop: loop)
        }.get()
    }

    /// What it said for the log.
    var said: [String] { heard.withLock { $0 } }

    func look(up name: String, _ type: DNSRecordType = .a) async throws -> DNSAnswer {
        guard let question = DNSQuestion(Array(name.utf8), type) else { preconditionFailure("\(name) is no name") }
        return await withCheckedContinuation { continuation in
            loop.execute { self.loopResolver.value.look(up: question) { continuation.resume(returning: $0) } }
        }
    }

    func cached(_ name: String, _ type: DNSRecordType = .a) async throws -> DNSAnswer? {
        try await loop.submit {
            DNSQuestion(Array(name.utf8), type).flatMap { self.loopResolver.value.cachedAnswer(to: $0) }
        }.get()
    }

    func check(_ subject: SPFSubject) async -> SPFCheck {
        await withCheckedContinuation { continuation in
            loop.execute { self.loopResolver.value.check(subject) { continuation.resume(returning: $0) } }
        }
    }
}
