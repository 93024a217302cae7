/// A socket that listens, for a ``WebServer``.
public struct WebListener: Sendable {
    /// Where a socket listens.
    public enum Address: Sendable, Equatable, CustomStringConvertible {
        /// At a port of an IP address, which is written as in `127.0.0.1` and `::1`.
        case inet(String, port: Int)
        /// At a file; those who may connect to it may ask by any name.
        case unix(String)

        /// As in the setting: `inet:127.0.0.1:10923`, `inet:[::1]:10923`, `unix:/run/tprt/http`.
        public var description: String {
            switch self {
            case .inet(let host, let port): host.contains(":") ? "inet:[\(host)]:\(port)" : "inet:\(host):\(port)"
            case .unix(let path): "unix:\(path)"
            }
        }
    }

    /// The socket, of either family; the server's to close, which leaves the file of a unix socket where it is.
    public let descriptor: CInt
    /// Where it listens.
    public let address: Address

    /// A socket that listens there.
    public init(descriptor: CInt, address: Address) {
        self.descriptor = descriptor
        self.address = address
    }
}

/// What is settled about a ``WebServer``, apart from what it serves.
public struct WebOptions: Sendable {
    /// The host names by which it may be asked, besides `localhost` and the addresses at which it is reached; upper and
    /// lower case are the same.
    public let hosts: [String]
    /// What bounds its clients.
    public let limits: WebLimits

    /// Options with these values; each host is one by ``isHost(_:)``.
    public init(hosts: [String], limits: WebLimits = WebLimits()) {
        self.hosts = hosts
        self.limits = limits
    }

    /// Whether a client could ask by that name: a host name, `192.0.2.1` or `[2001:db8::1]`, without a port.
    public static func isHost(_ text: String) -> Bool {
        guard let host = HostName(text) else { return false }
        return !host.hasPort
    }
}

/// How much a client of a ``WebServer`` may ask for, and how long it may take.
public struct WebLimits: Sendable {
    /// How many bytes the head of a request has at most, the empty line included.
    public var head = 8_192
    /// How many connections are open at once, and how many routes are at work.
    public var connections = 16
    /// How many requests a connection serves.
    public var requests = 100
    /// How long a connection may be silent between two requests, and before the first.
    public var idle = Duration.seconds(10)
    /// How long a head may take from its first byte to its last, and a client to take 64 KiB of a response.
    public var transfer = Duration.seconds(10)
    /// How long a route may work on an answer.
    public var answer = Duration.seconds(10)
    /// How long a client is given to read its last response before the connection is closed.
    public var farewell = Duration.seconds(1)
    /// How long requests that are being answered may take when the server stops.
    public var grace = Duration.seconds(1)

    /// The limits by which the daemon serves.
    public init() {}
}

/// What the log may want to know of a ``WebServer``.
public enum WebEvent: Sendable, Equatable, CustomStringConvertible {
    /// A browser at that address has signed in with a code.
    case signedIn(from: String)
    /// A client at that address had a code or a cookie that isn't ours, or no longer. At most ten a minute.
    case wrongToken(from: String)
    /// Ten of these in a minute: for what is left of it codes are refused.
    case signInPaused
    /// There are as many connections as there may be, and the longest idle ones are closed for new ones. It is said once,
    /// and again only after fewer than half as many.
    case connectionLimit(Int)
    /// A connection can't be accepted, for that reason. It is said once, up to ``acceptsAgain``.
    case cannotAccept(String)
    /// Connections are accepted again.
    case acceptsAgain

    /// For people.
    public var description: String {
        switch self {
        case .signedIn(let peer): "the page was opened with a code from \(peer)"
        case .wrongToken(let peer): "a wrong or old code or cookie for the page came from \(peer)"
        case .signInPaused: "too many wrong codes for the page; codes are refused for up to a minute"
        case .connectionLimit(let limit):
            "connection limit (\(limit)) of the page reached; closing the longest-idle connections"
        case .cannotAccept(let reason): "a connection to the page could not be accepted: \(reason)"
        case .acceptsAgain: "connections to the page are accepted again"
        }
    }
}
