import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport

@testable import Web

/// A server of the page and nothing else, with the headers that the real one gives.
final class PageServer: Sendable {
    /// What it may say to a browser: nothing that isn't a file of its own.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

    /// Its URL, with a slash at the end.
    let url: String
    private let channel: any Channel

    /// Starts one; whether addresses may be seen is what `isAuthorized` says at each request.
    init(_ page: Page, isAuthorized: @escaping @Sendable () -> Bool = { true }) async throws {
        let (port, descriptor) = try Ports.listening(blocks: false)
        url = "http://127.0.0.1:\(port)/"
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(PageHandler(page, isAuthorized))
                }
            }
            .withBoundSocket(descriptor).get()
    }

    /// Stops listening.
    func close() async throws { try await channel.close() }
}

private final class PageHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let page: Page
    private let isAuthorized: @Sendable () -> Bool
    private var uri = ""

    init(_ page: Page, _ isAuthorized: @escaping @Sendable () -> Bool) {
        self.page = page
        self.isAuthorized = isAuthorized
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): uri = head.uri
        case .body: break
        case .end: answer(uri, in: context)
        }
    }

    private func answer(_ uri: String, in context: ChannelHandlerContext) {
        let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
        let (page, isAuthorized) = (page, isAuthorized())
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.makeFutureWithTask {
            await page.reply(
                to: parts[0], search: RequestTarget("/?\(parts.dropFirst().first ?? "")")?.query["q"] ?? "",
                isAuthorized: isAuthorized)
        }.assumeIsolated().whenSuccess { reply in
            let context = bound.value
            let body = ByteBuffer(bytes: reply?.body ?? [])
            let headers: HTTPHeaders = [
                "content-type": reply?.contentType ?? "text/plain", "content-length": "\(body.readableBytes)",
                "content-security-policy": PageServer.policy, "x-content-type-options": "nosniff",
                "referrer-policy": "no-referrer", "cache-control": "no-store",
            ]
            let status = HTTPResponseStatus(statusCode: reply?.status ?? 404)
            context.write(
                self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
