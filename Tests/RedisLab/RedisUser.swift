import Foundation

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
