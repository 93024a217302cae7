import Foundation

/// What kind of a server a test wants.
public struct RedisOptions: Sendable {
    enum Transport: Sendable {
        case tcp
        case unix
        case tls(names: [String], clientCertificates: Bool)
    }

    enum Mode: Sendable {
        case alone
        case cluster
        case sentinel
    }

    var transport: Transport
    var mode = Mode.alone
    /// Whom the lab's own commands are run as; servers of the same options have the same.
    var administrator: RedisUser?
    var lines: [String] = []

    /// TCP on 127.0.0.1, and on ::1 where there is one.
    public static var plain: RedisOptions { RedisOptions(transport: .tcp) }

    /// A unix socket and nothing else.
    public static var unix: RedisOptions { RedisOptions(transport: .unix) }

    /// TLS and nothing else, with a certificate for `localhost` and 127.0.0.1.
    public static var tls: RedisOptions { tls() }

    /// TLS and nothing else, with a certificate for `names`; it may want a certificate of each client, too.
    public static func tls(
        names: [String] = ["DNS:localhost", "IP:127.0.0.1"], clientCertificates: Bool = false
    ) -> RedisOptions {
        RedisOptions(transport: .tls(names: names, clientCertificates: clientCertificates))
    }

    /// Nobody may do anything without this password.
    public func requirepass(_ password: String) -> RedisOptions {
        var options = adding("requirepass \(quoted(password))")
        options.administrator = .administrator()
        return options
    }

    /// There is such a user, and the one without a name is off.
    public func acl(_ user: String, password: String, rules: String = "~* &* +@all") -> RedisOptions {
        var options = adding("user default off", RedisUser(user, password: password).line(rules: rules))
        options.administrator = .administrator()
        return options
    }

    /// Further lines of the configuration file, such as `maxmemory 1mb`.
    public func adding(_ lines: String...) -> RedisOptions {
        adding(lines)
    }

    func adding(_ lines: [String]) -> RedisOptions {
        var options = self
        options.lines += lines
        return options
    }

    func running(as mode: Mode) -> RedisOptions {
        var options = self
        options.mode = mode
        return options
    }
}

/// Who a client says it is.
public struct RedisUser: Sendable, Equatable {
    /// The user's name; `default` is whoever gives a password only.
    public let name: String
    /// The password.
    public let password: String

    /// A user.
    public init(_ name: String = "default", password: String) {
        self.name = name
        self.password = password
    }

    /// A user that may do everything, for the lab's own commands.
    static func administrator() -> RedisUser {
        RedisUser("lab-\(UUID().uuidString)", password: UUID().uuidString)
    }

    /// The line of a configuration file that makes the user.
    func line(rules: String) -> String {
        "user \(name) on \(quoted(">" + password)) \(rules)"
    }
}

/// `text` as one word of a configuration file.
func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}
