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
