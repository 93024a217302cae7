/// A socket that is connected to a log daemon.
public struct LogConnection: Sendable {
    /// The socket.
    public var descriptor: CInt
    /// Whether it is a stream; else it takes datagrams.
    public var isStream: Bool

    /// Such a socket.
    public init(descriptor: CInt, isStream: Bool) {
        self.descriptor = descriptor
        self.isStream = isStream
    }

    /// Why there is none.
    public struct Fault: Error, Sendable, CustomStringConvertible {
        /// The complaint.
        public let description: String

        /// That complaint.
        public init(_ description: String) {
            self.description = description
        }
    }

    /// Connects to an address, be it by a process that reaches what this one doesn't, as from a chroot.
    public typealias Connector = @Sendable (SyslogAddress) -> Result<LogConnection, Fault>

    /// Connects from here.
    public static let direct: Connector = { $0.connect() }
}
