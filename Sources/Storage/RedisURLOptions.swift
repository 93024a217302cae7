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
