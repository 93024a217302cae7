/// A message to the service manager, in the words of sd_notify(3).
public struct ServiceNotice: Sendable, Equatable {
    /// What goes into the datagram: assignments, parted by line feeds.
    public let text: String

    private init(_ text: String) {
        self.text = text
    }

    /// The service has started, or has finished reloading.
    public static let ready = ServiceNotice("READY=1")
    /// The service is about to end.
    public static let stopping = ServiceNotice("STOPPING=1")
    /// The service is alive.
    public static let alive = ServiceNotice("WATCHDOG=1")

    /// The service begins to reload.
    ///
    /// - Parameter moment: now, in microseconds of CLOCK_MONOTONIC; by it systemd knows its own request from an older one
    public static func reloading(at moment: UInt64) -> ServiceNotice {
        ServiceNotice("RELOADING=1\nMONOTONIC_USEC=\(moment)")
    }

    /// A line for people.
    public static func status(_ line: String) -> ServiceNotice {
        ServiceNotice("STATUS=\(line.filter { !$0.isNewline })")
    }
}
