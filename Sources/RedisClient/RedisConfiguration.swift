import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix
package import NIOSSL

/// A host and its port.
package struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address; an IPv6 address without its brackets.
    package var host: String
    /// The TCP port.
    package var port: Int

    /// That port of that host.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// As in a URL: `host:port`, an IPv6 address in brackets.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// Where one server listens.
package enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
    case tcp(RedisEndpoint)
    case unix(path: String)

    /// The endpoint, or the path.
    package var description: String {
        switch self {
        case .tcp(let endpoint): endpoint.description
        case .unix(let path): path
        }
    }

    /// An endpoint that this server names; without a host it is on the server's own.
    func resolve(_ endpoint: RedisEndpoint) -> ServerAddress {
        guard endpoint.host.isEmpty, case .tcp(let own) = self else { return .tcp(endpoint) }
        return .tcp(.init(host: own.host, port: endpoint.port))
    }
}

/// As whom to log in at a server.
package struct RedisLogin: Sendable {
    /// The user of the access control list; nil for the default user.
    package var user: String?
    /// The password itself.
    package var password: String

    /// A login as that user.
    package init(user: String? = nil, password: String) {
        self.user = user
        self.password = password
    }
}

/// How connections are encrypted: what the files held, read once.
package struct RedisTLS: Sendable {
    private let context: NIOSSLContext
    private let serverName: String?

    /// Encryption with that context.
    ///
    /// - Parameter serverName: the name to ask for and to find in the certificate, in place of the host's
    package init(_ context: NIOSSLContext, serverName: String?) {
        self.context = context
        self.serverName = serverName
    }

    /// The handler of a connection to that host.
    ///
    /// An address is never asked for by name; it is looked for among the addresses of the certificate.
    func makeHandler(for host: String) throws -> NIOSSLClientHandler {
        let name = serverName ?? host
        do {
            return try NIOSSLClientHandler(context: context, serverHostname: name.isEmpty ? nil : name)
        } catch let error as NIOSSLExtraError where error == .cannotUseIPAddressInSNI {
            return try NIOSSLClientHandler(context: context, serverHostname: nil)
        }
    }
}

/// Which servers there are, how they are reached, and what is reported of them.
///
/// One is made for a location, and shared by the clients of all event loops.
package struct RedisConfiguration: Sendable {
    /// Which servers there are to ask, and what they are.
    package enum Servers: Sendable {
        /// One server.
        case single(ServerAddress)
        /// Sentinels that know the master of a service.
        case sentinels([RedisEndpoint], service: String)
        /// Some nodes of a cluster, from which the others are learnt.
        case cluster([RedisEndpoint])
    }

    let servers: Servers
    let database: Int
    let login: RedisLogin?
    let sentinelLogin: RedisLogin?
    let tls: RedisTLS?
    let warnings: WarningReporter
    /// How connections are opened.
    package var transport = RedisTransport.sockets

    /// Those servers.
    ///
    /// - Parameters:
    ///   - database: the number of the database
    ///   - login: as whom to log in at the servers; nil for not at all
    ///   - sentinelLogin: as whom to log in at the Sentinels; nil for not at all
    ///   - tls: how connections are encrypted, those to Sentinels too; nil for not at all
    ///   - report: told in one line what the administrator should fix; on any thread
    package init(
        _ servers: Servers, database: Int, login: RedisLogin?, sentinelLogin: RedisLogin?, tls: RedisTLS?,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.servers = servers
        self.database = database
        self.login = login
        self.sentinelLogin = sentinelLogin
        self.tls = tls
        warnings = WarningReporter(report: report)
    }

    /// What is said to a server whose entries are asked for.
    func handshake(demandsMaster: Bool) -> Handshake {
        Handshake(login: login, database: database, demandsMaster: demandsMaster, asksForMemory: true)
    }
}

/// How connections are opened, and by how much pauses are cut.
///
/// By sockets, and at random; a test that has neither brings its own.
package struct RedisTransport: Sendable {
    /// Opens a connection to that server within that time.
    package var connect: @Sendable (ServerAddress, any EventLoop, TimeAmount) -> EventLoopFuture<any Channel>
    /// From 0 to 1: by how much a pause is cut.
    package var random: @Sendable () -> Double

    /// The system's.
    package static let sockets = RedisTransport { address, eventLoop, limit in
        let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(limit)
        return
            switch address
        {
        case .tcp(let endpoint): bootstrap.connect(host: endpoint.host, port: endpoint.port)
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        }
    } random: {
        .random(in: 0...1)
    }

    /// Connections that are opened so.
    package init(
        connect: @escaping @Sendable (ServerAddress, any EventLoop, TimeAmount) -> EventLoopFuture<any Channel>,
        random: @escaping @Sendable () -> Double
    ) {
        (self.connect, self.random) = (connect, random)
    }
}

/// Times and bounds of a client.
package struct RedisLimits: Sendable {
    /// Until a connection is ready for use, with all that is said before.
    package var connect: TimeAmount = .seconds(2)
    /// Until a command has its reply; then the whole connection is given up.
    package var reply: TimeAmount = .seconds(5)
    /// How long a connection may be silent before it is tried with a `PING`.
    package var idle: TimeAmount = .seconds(10)
    /// Until a Sentinel or a node asked about the cluster has answered, before the next one is asked.
    package var scouting: TimeAmount = .seconds(1)
    /// How often a Sentinel is asked who the master is.
    package var sentinelPace: TimeAmount = .seconds(1)
    /// How often a cluster is asked who has the slots.
    package var clusterPace: TimeAmount = .seconds(3)
    /// Between two attempts where settings are wrong: nobody fixes them sooner, and servers count such attempts.
    package var misconfigured: TimeAmount = .seconds(60)
    /// Commands that wait on one connection.
    package var waiting = 20_000
    /// How often one command may be sent elsewhere.
    package var redirections = 8

    /// Those of the daemon.
    package init() {}
}

/// Tells the administrator what to fix: once, and again when it changes or comes back.
///
/// The clients of all event loops share one, since they all meet the same.
final class WarningReporter: Sendable {
    private let report: @Sendable (String) -> Void
    private let standing = NIOLockedValueBox<[ServerAddress: String]>([:])

    init(report: @escaping @Sendable (String) -> Void) {
        self.report = report
    }

    /// Reports what is wrong with a server, unless that was the last that was said of it; nil where all is well.
    func set(_ warning: String?, on server: ServerAddress) {
        let last = standing.withLockedValue { standing in
            defer { standing[server] = warning }
            return standing[server]
        }
        if let warning, warning != last { report(warning) }
    }
}
