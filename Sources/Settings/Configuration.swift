/// Everything an administrator can set, as values.
///
/// `Configuration()` holds the defaults. `fields` says for each property what it is called, which values it takes
/// and what it means; files, environment, flags, help and printing all derive from that list.
public struct Configuration: Sendable, Equatable {
    /// Where and how much is logged.
    public var log = Log()
    /// The socket, the process and its limits.
    public var server = Server()
    /// Greylisting itself, its databases and whitelists.
    public var service = Service()

    /// The defaults.
    public init() {}

    /// Every setting, once, in the order in which manuals show them.
    public static let fields: [Field] = logFields + serverFields + serviceFields

    /// The names of the sections, in the order in which a file shows them.
    public static let sections = ["log", "server", "service"]

    /// The field of a key such as `service.grey_delay`, if there is one.
    public static func field(_ key: String) -> Field? { fieldsByKey[key] }

    private static let fieldsByKey: [String: Field] = Dictionary(
        fields.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
}
