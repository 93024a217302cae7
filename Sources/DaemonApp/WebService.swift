import Control
import Exposition
import Glibc
import Logging
import Server
import ServiceLifecycle
import Web

/// Serves metrics, health and the page, and hands out codes that open it.
struct WebService: Service {
    private let server: WebServer
    private let access: WebAccess
    private let places: [String]
    private let listeners: [OpenListener]
    private let logger: Logger

    /// A service on these listeners, which are its to close from now on.
    init(
        _ listeners: [OpenListener], hosts: [String], monitor: DaemonMonitor, page: PageData, logger: Logger
    ) {
        let access = WebAccess(now: { .now })
        self.access = access
        self.logger = logger
        places = listeners.map(\.webAddress.place)
        self.listeners = listeners
        server = WebServer(
            listeners: listeners.map { WebListener(descriptor: $0.descriptor, address: $0.webAddress) },
            options: WebOptions(hosts: hosts), access: access, routes: Self.routes(monitor, Page(page.source)),
            log: { logger.log(level: $0.level, "\($0)") })
    }

    /// Serves until graceful shutdown; where it can't, the daemon goes on without.
    func run() async throws {
        do {
            try await server.start()
            for place in places { logger.info("metrics and page: \(place)") }
        } catch {
            logger.warning("no metrics and no page: \(error)")
        }
        try? await gracefulShutdown()
        await server.stop()
        for listener in listeners { listener.removeFile() }
    }

    /// Carries out the verb `web`.
    func code() -> ControlReply {
        WebCode(code: access.makeCode(), places: places).reply
    }

    private static func routes(_ monitor: DaemonMonitor, _ page: Page) -> [WebRoute] {
        let open = [
            WebRoute("/metrics", needsToken: false) { _ in
                let text = MetricsText(await monitor.snapshot())
                return WebResponse(contentType: MetricsText.mediaType, body: text.bytes)
            },
            WebRoute("/healthz", needsToken: false) { _ in WebResponse(.ok, text: "alive") },
            WebRoute("/readyz", needsToken: false) { _ in
                let problems = await monitor.status().problems
                let lines = problems.isEmpty ? ["ready"] : ["ready, but degraded:"] + problems.map(\.sentence)
                return WebResponse(.ok, text: lines.joined(separator: "\n"))
            },
        ]
        return open + page.routes
    }
}

extension OpenListener {
    /// Where it listens, as the page has it.
    fileprivate var webAddress: WebListener.Address {
        switch address {
        case .unix(let path, _, _): .unix(path)
        case .inet(let host, let port): .inet(host, port: port)
        }
    }
}

extension WebListener.Address {
    /// What to open in a browser; for a unix socket its address.
    fileprivate var place: String {
        switch self {
        case .unix: description
        case .inet(let host, let port):
            host.contains(":") ? "http://[\(host)]:\(port)/" : "http://\(host):\(port)/"
        }
    }
}

extension WebEvent {
    /// How loud it is.
    fileprivate var level: Logger.Level {
        switch self {
        case .signedIn: .info
        case .acceptsAgain: .notice
        case .wrongToken, .signInPaused, .connectionLimit, .cannotAccept: .warning
        }
    }
}
