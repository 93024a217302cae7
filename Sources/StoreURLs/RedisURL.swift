import Bytes

/// A `redis` URL taken apart at its marks; nothing is decoded yet.
///
/// No message about one ever quotes it, since a mark that isn't escaped can put any part of a password anywhere.
struct RedisURL {
    /// What its scheme says.
    struct Scheme {
        enum Kind { case single, unixSocket, sentinel, cluster }

        var kind: Kind
        var isEncrypted = false

        init?(_ name: String) {
            switch name {
            case "redis", "redis-tcp": kind = .single
            case "redis-unix", "redis+unix": kind = .unixSocket
            case "redis+sentinel": kind = .sentinel
            case "redis+cluster": kind = .cluster
            case "rediss": (kind, isEncrypted) = (.single, true)
            case "rediss+sentinel": (kind, isEncrypted) = (.sentinel, true)
            case "rediss+cluster": (kind, isEncrypted) = (.cluster, true)
            default: return nil
            }
        }
    }

    let scheme: Scheme
    /// What stands before the last `@`; nil without one.
    let login: Substring?
    let hosts: Substring
    /// With the slash that it begins with.
    let path: Substring
    let options: RedisURLOptions

    /// Takes apart what follows `scheme:`.
    init(_ scheme: Scheme, rest: Substring) throws(StoreURLError) {
        guard rest.hasPrefix("//") else {
            throw StoreURLError(description: "a redis URL has // behind its first colon (redis://host:6379/0)")
        }
        guard !rest.contains("#") else {
            throw StoreURLError(description: "a redis URL has a # in it: \(Self.escaping)")
        }
        let whole = rest.dropFirst(2)
        let queryStart = whole.firstIndex(of: "?") ?? whole.endIndex
        let query = whole[queryStart...].dropFirst()
        let place = whole[..<queryStart]
        let pathStart = place.firstIndex(of: "/") ?? place.endIndex
        path = place[pathStart...]
        guard !query.contains("@"), scheme.kind == .unixSocket || !path.contains("@") else {
            throw StoreURLError(description: "a redis URL has a / or a ? before its @: \(Self.escaping)")
        }
        let authority = place[..<pathStart]
        if let at = authority.lastIndex(of: "@") {
            login = authority[..<at]
            hosts = authority[authority.index(after: at)...]
        } else {
            login = nil
            hosts = authority
        }
        self.scheme = scheme
        options = try RedisURLOptions(query)
    }

    /// What to do about a mark in a password.
    static let escaping = "in a user or password write / as %2F, ? as %3F, # as %23, % as %25"

    /// The hosts, each with its port.
    func endpoints(defaultPort: Int) throws(StoreURLError) -> [RedisLocation.Endpoint] {
        var endpoints: [RedisLocation.Endpoint] = []
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
            endpoints.append(try Self.endpoint(host, defaultPort: defaultPort))
        }
        return endpoints
    }

    private static func endpoint(
        _ text: Substring, defaultPort: Int
    ) throws(StoreURLError) -> RedisLocation.Endpoint {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw StoreURLError(description: "a redis URL has a host that begins with [ and doesn't end with ]")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw StoreURLError(description: "a redis URL has more than a port behind a host in brackets")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
            guard host.contains(":"), host.utf8.allSatisfy(\.isInIPv6Address) else {
                throw StoreURLError(description: "a redis URL has something in brackets that is no IPv6 address")
            }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard port?.contains(":") == false else {
                throw StoreURLError(description: "a redis URL has an IPv6 address without brackets ([::1]:6379)")
            }
        }
        guard !host.isEmpty else { throw StoreURLError(description: "a redis URL has an empty host") }
        guard text.hasPrefix("[") || host.utf8.allSatisfy(\.isInHostName) else {
            throw StoreURLError(description: "a redis URL has a host with a character that no host's name has")
        }
        guard let port else { return .init(host: String(host), port: defaultPort) }
        guard let number = Int(digits: port), (1...65535).contains(number) else {
            throw StoreURLError(description: "a redis URL has an invalid port (1-65535)")
        }
        return .init(host: String(host), port: number)
    }
}

extension UInt8 {
    fileprivate var isInIPv6Address: Bool {
        isHexadecimal || self == UInt8(ascii: ":") || self == UInt8(ascii: ".")
    }

    fileprivate var isInHostName: Bool {
        isLetterOrDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: ".") || self == UInt8(ascii: "_")
    }
}

extension Int {
    /// The number that is written in digits alone: no sign, no blank.
    init?(digits: some StringProtocol) {
        guard !digits.isEmpty, digits.utf8.allSatisfy(\.isDigit) else { return nil }
        self.init(digits)
    }
}

extension StringProtocol {
    /// The text that is meant, `%` and two hexadecimal digits being one byte of it.
    func percentDecoded() throws(StoreURLError) -> String {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue else {
                throw StoreURLError(
                    description: "a redis URL has a % without two hexadecimal digits behind it (write % as %25)")
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw StoreURLError(description: "a redis URL has %-escapes in it that make no text in UTF-8")
        }
        return text
    }
}

/// The options behind the `?` of a `redis` URL.
struct RedisURLOptions {
    enum Name: String, CaseIterable {
        case database = "db"
        case passwordFile = "password_file"
        case authorityFile = "ca_file"
        case certificateFile = "cert_file"
        case keyFile = "key_file"
        case serverName = "server_name"
        case verify
        case sentinelUser = "sentinel_user"
        case sentinelPasswordFile = "sentinel_password_file"
    }

    private var values: [Name: String] = [:]

    init(_ query: Substring) throws(StoreURLError) {
        if query.isEmpty { return }
        for option in query.split(separator: "&", omittingEmptySubsequences: false) {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Name(rawValue: String(parts[0])) else {
                let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw StoreURLError(description: "a redis URL has an unknown option (there are \(names))")
            }
            guard parts.count == 2, !parts[1].isEmpty else {
                throw StoreURLError(description: "the option \(name.rawValue) of a redis URL has no value")
            }
            guard values.updateValue(try parts[1].percentDecoded(), forKey: name) == nil else {
                throw StoreURLError(description: "the option \(name.rawValue) is given twice in a redis URL")
            }
        }
    }

    subscript(name: Name) -> String? { values[name] }

    /// The value of an option that names a file.
    func file(_ name: Name) throws(StoreURLError) -> String? {
        guard let path = values[name] else { return nil }
        guard path.hasPrefix("/"), path.last != "/" else {
            throw StoreURLError(
                description: "the option \(name.rawValue) of a redis URL takes the absolute path of a file")
        }
        return path
    }

    /// Refuses options that have no meaning in such a URL.
    func refuse(_ names: [Name], unless remedy: String) throws(StoreURLError) {
        for name in names where values[name] != nil {
            throw StoreURLError(description: "the option \(name.rawValue) is only for \(remedy)")
        }
    }
}
