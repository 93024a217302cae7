import Storage

/// Where one server listens.
enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
    case tcp(RedisLocation.Endpoint)
    case unix(path: String)

    var description: String {
        switch self {
        case .tcp(let endpoint): endpoint.description
        case .unix(let path): path
        }
    }

    /// An endpoint that this server names; without a host it is on the server's own.
    func resolve(_ endpoint: RedisLocation.Endpoint) -> ServerAddress {
        guard endpoint.host.isEmpty, case .tcp(let own) = self else { return .tcp(endpoint) }
        return .tcp(.init(host: own.host, port: endpoint.port))
    }
}
