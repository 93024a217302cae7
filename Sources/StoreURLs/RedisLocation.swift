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

extension RedisLocation {
    /// Reads a URL, given as its scheme in lower case and what follows the colon behind it.
    init(scheme name: String, rest: Substring) throws(StoreURLError) {
        guard let scheme = RedisURL.Scheme(name) else {
            throw StoreURLError(
                description: """
                    no store is called "\(name):" (there are redis:, rediss:, redis-unix:, and redis or rediss with \
                    +sentinel: or +cluster:)
                    """)
        }
        let url = try RedisURL(scheme, rest: rest)
        (servers, database) = try Self.servers(of: url)
        login = try Self.login(of: url)
        sentinelLogin = try Self.sentinelLogin(of: url)
        tls = try Self.tls(of: url)
    }

    private static func servers(of url: RedisURL) throws(StoreURLError) -> (Servers, database: Int) {
        switch url.scheme.kind {
        case .single:
            let endpoints = try url.endpoints(defaultPort: 6379)
            guard endpoints.count == 1 else {
                throw StoreURLError(
                    description: "a redis: URL names one server; for more take redis+sentinel: or redis+cluster:")
            }
            return (.single(endpoints[0]), try database(of: url, in: url.path.dropFirst()))
        case .unixSocket:
            guard url.hosts.isEmpty else {
                throw StoreURLError(description: "a redis-unix: URL has a host: redis-unix:///path/to/socket has none")
            }
            guard url.path.count > 1, url.path.last != "/" else {
                throw StoreURLError(description: "a redis-unix: URL names no socket (redis-unix:///path/to/socket)")
            }
            return (.unixSocket(path: try url.path.percentDecoded()), try database(of: url, in: ""))
        case .sentinel:
            let parts = url.path.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let service = parts.first, !service.isEmpty else {
                throw StoreURLError(description: "a redis+sentinel: URL names no service behind its hosts (/mymaster)")
            }
            return (
                .sentinels(try url.endpoints(defaultPort: 26379), service: try service.percentDecoded()),
                try database(of: url, in: parts.count == 2 ? parts[1] : "")
            )
        case .cluster:
            guard try database(of: url, in: url.path.dropFirst()) == 0 else {
                throw StoreURLError(description: "a redis+cluster: URL has a db, but a cluster has only database 0")
            }
            return (.cluster(try url.endpoints(defaultPort: 6379)), 0)
        }
    }

    /// The number of the database, which may stand in the path or as an option.
    private static func database(of url: RedisURL, in path: Substring) throws(StoreURLError) -> Int {
        let option = url.options[.database]
        guard path.isEmpty || option == nil else {
            throw StoreURLError(description: "a redis URL has a database both in its path and as the option db")
        }
        guard let text = path.isEmpty ? option : String(path) else { return 0 }
        guard let number = Int(digits: text), (0...65535).contains(number) else {
            throw StoreURLError(description: "a redis URL has an invalid database (db) number (0-65535)")
        }
        return number
    }

    private static func login(of url: RedisURL) throws(StoreURLError) -> Login? {
        let file = try url.options.file(.passwordFile)
        guard let login = url.login else { return file.map { Login(password: .file(path: $0)) } }
        let parts = login.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = parts[0].isEmpty ? nil : try parts[0].percentDecoded()
        switch (parts.count == 2, file) {
        case (true, .some):
            throw StoreURLError(description: "a redis URL has a password and the option password_file: drop one")
        case (true, nil):
            let password = try parts[1].percentDecoded()
            guard user != nil || !password.isEmpty else {
                throw StoreURLError(description: "a redis URL has an empty password: drop the :@")
            }
            return Login(user: user, password: .text(password))
        case (false, .some(let path)): return Login(user: user, password: .file(path: path))
        case (false, nil):
            throw StoreURLError(
                description: "a redis URL has a user and no password (user:password@, :password@ or password_file=)")
        }
    }

    private static func sentinelLogin(of url: RedisURL) throws(StoreURLError) -> Login? {
        if url.scheme.kind != .sentinel {
            try url.options.refuse([.sentinelUser, .sentinelPasswordFile], unless: "redis+sentinel:")
        }
        let user = url.options[.sentinelUser]
        guard let file = try url.options.file(.sentinelPasswordFile) else {
            guard user == nil else {
                throw StoreURLError(description: "the option sentinel_user needs sentinel_password_file beside it")
            }
            return nil
        }
        return Login(user: user, password: .file(path: file))
    }

    private static func tls(of url: RedisURL) throws(StoreURLError) -> TLS? {
        let options = url.options
        guard url.scheme.isEncrypted else {
            try options.refuse(
                [.authorityFile, .certificateFile, .keyFile, .serverName, .verify],
                unless: "rediss:, rediss+sentinel: and rediss+cluster:, which encrypt")
            return nil
        }
        var tls = TLS(authorityFile: try options.file(.authorityFile))
        switch (try options.file(.certificateFile), try options.file(.keyFile)) {
        case (let certificate?, let key?): tls.identity = .init(certificateFile: certificate, keyFile: key)
        case (nil, nil): break
        case (.some, nil): throw StoreURLError(description: "the option cert_file needs key_file beside it")
        case (nil, .some): throw StoreURLError(description: "the option key_file needs cert_file beside it")
        }
        if let name = options[.serverName] {
            guard !name.contains(":"), name.contains(where: { $0 != "." && !$0.isNumber }) else {
                throw StoreURLError(description: "the option server_name takes a host's name, no address")
            }
            tls.serverName = name
        }
        switch options[.verify] {
        case nil, "yes": break
        case "no": tls.isVerified = false
        default: throw StoreURLError(description: "the option verify takes yes or no")
        }
        return tls
    }
}
