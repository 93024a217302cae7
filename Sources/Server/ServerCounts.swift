/// What a server has done since its start, and what it is at.
public struct ServerCounts: Sendable, Equatable, CustomStringConvertible {
    /// Connections that are open.
    public var connections = 0
    /// Requests that had to wait, or would have had to where the site only observes.
    public var greylisted = 0
    /// All other requests that were answered, those that greylisting has no say in among them.
    public var passed = 0

    /// For people.
    public var description: String {
        "connections: \(connections), requests: \(greylisted + passed) (greylisted: \(greylisted), passed: \(passed))"
    }

    static func += (left: inout ServerCounts, right: ServerCounts) {
        left.connections += right.connections
        left.greylisted += right.greylisted
        left.passed += right.passed
    }
}
