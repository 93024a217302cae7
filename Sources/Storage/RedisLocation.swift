/// Where Redis or Valkey is and how it is reached, as a `redis` URL says.
public struct RedisLocation: Sendable, Hashable {
    /// A host and its port.
    public struct Endpoint: Sendable, Hashable {
        /// A name or an address; an IPv6 address without its brackets.
        public var host: String
        /// The TCP port.
        public var port: Int

        /// That port of that host.
        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Which servers there are to ask, and what they are.
    public enum Servers: Sendable, Hashable {
        /// One server.
        case single(Endpoint)
        /// One server on this machine, at that path.
        case unixSocket(path: String)
        /// Sentinels that know the master of a service.
        case sentinels([Endpoint], service: String)
        /// Some nodes of a cluster, from which the others are learnt.
        case cluster([Endpoint])
    }

    /// A password, or where to read it.
    ///
    /// It describes itself without saying it, so that it can't slip into a log line.
    public enum Password: Sendable, Hashable, CustomStringConvertible {
        case text(String)
        /// The first line of that file.
        case file(path: String)

        /// Whether it is in the URL or in a file; never the password.
        public var description: String {
            switch self {
            case .text: "***"
            case .file(let path): "in \(path)"
            }
        }
    }

    /// As whom to log in.
    public struct Login: Sendable, Hashable {
        /// The user of the access control list; nil for the default user.
        public var user: String?
        /// The password.
        public var password: Password

        /// A login as that user.
        public init(user: String? = nil, password: Password) {
            self.user = user
            self.password = password
        }
    }

    /// How a connection is encrypted.
    public struct TLS: Sendable, Hashable {
        /// Our certificate and its key, two PEM files.
        public struct Identity: Sendable, Hashable {
            /// The file of the certificate and of what leads from it to its authority.
            public var certificateFile: String
            /// The file of the private key.
            public var keyFile: String

            /// The identity in those files.
            public init(certificateFile: String, keyFile: String) {
                self.certificateFile = certificateFile
                self.keyFile = keyFile
            }
        }

        /// A PEM file of the authorities to trust; nil for those of the system.
        public var authorityFile: String?
        /// What we show the server, if anything.
        public var identity: Identity?
        /// The name to ask for and to find in the certificate, in place of the host's.
        ///
        /// A certificate that is for the address that was connected to is taken all the same.
        public var serverName: String?
        /// Whether the server's certificate is verified.
        public var isVerified: Bool

        /// Encryption with those settings.
        public init(
            authorityFile: String? = nil, identity: Identity? = nil, serverName: String? = nil, isVerified: Bool = true
        ) {
            self.authorityFile = authorityFile
            self.identity = identity
            self.serverName = serverName
            self.isVerified = isVerified
        }
    }

    /// The servers.
    public var servers: Servers
    /// The number of the database.
    public var database: Int
    /// As whom to log in at the servers; nil for not at all.
    public var login: Login?
    /// As whom to log in at the Sentinels; nil for not at all.
    public var sentinelLogin: Login?
    /// How connections are encrypted, those to Sentinels too; nil for not at all.
    public var tls: TLS?

    /// Those servers.
    public init(
        _ servers: Servers, database: Int = 0, login: Login? = nil, sentinelLogin: Login? = nil, tls: TLS? = nil
    ) {
        self.servers = servers
        self.database = database
        self.login = login
        self.sentinelLogin = sentinelLogin
        self.tls = tls
    }
}

extension RedisLocation.Endpoint: CustomStringConvertible {
    /// As in a URL: `host:port`, an IPv6 address in brackets.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension RedisLocation: CustomStringConvertible {
    /// The URL without user, password and options: for log lines.
    public var description: String {
        let scheme = tls == nil ? "redis" : "rediss"
        return switch servers {
        case .single(let endpoint): "\(scheme)://\(endpoint)/\(database)"
        case .unixSocket(let path): "redis-unix://\(path)?db=\(database)"
        case .sentinels(let endpoints, let service):
            "\(scheme)+sentinel://\(Self.list(endpoints))/\(service)/\(database)"
        case .cluster(let endpoints): "\(scheme)+cluster://\(Self.list(endpoints))"
        }
    }

    private static func list(_ endpoints: [Endpoint]) -> String {
        endpoints.map(\.description).joined(separator: ",")
    }
}
