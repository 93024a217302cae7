import Glibc

/// What a service manager told the process in its environment: systemd, or another one that keeps to its protocol.
public struct ServiceManager: Sendable {
    /// Where it wants to hear how the service is doing; nil where it doesn't.
    public let notifySocket: NotifySocket?
    /// It must hear that the service is alive in intervals shorter than this; nil: it needn't.
    public let watchdog: Duration?
    /// The sockets that it hands over.
    public let sockets: InheritedSockets
    /// What is odd about its wishes, for the log.
    public let complaints: [String]

    /// Reads the variables, connects to its socket, and takes the sockets that it hands over.
    ///
    /// To be done before the process forks or changes its root: what is meant for us is told by our process number.
    ///
    /// - Parameter process: the number of this process
    /// - Throws: `unusable` for sockets that can't be listened on
    public init(environment: [String: String], process: Int32) throws(ListenError) {
        sockets = try InheritedSockets(environment: environment, process: process)
        var complaints: [String] = []
        do throws(NotifySocket.Fault) {
            notifySocket = try environment["NOTIFY_SOCKET"].map(NotifySocket.init(address:))
        } catch {
            notifySocket = nil
            complaints.append("\(error); the service manager is told nothing")
        }
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
        if let text = environment["WATCHDOG_USEC"], isMeant {
            let microseconds = Int64(text).flatMap { $0 > 0 ? $0 : nil }
            watchdog = microseconds.map { .microseconds($0) }
            if microseconds == nil { complaints.append("WATCHDOG_USEC=\(text): no number of microseconds") }
        } else {
            watchdog = nil
        }
        self.complaints = complaints
    }

    /// The descriptors that are needed from now on.
    public var descriptors: Set<CInt> {
        sockets.descriptors.union(notifySocket.map { [$0.descriptor] } ?? [])
    }

    /// Removes its variables, so that no process that is started from here takes them for its own.
    ///
    /// Only while there is no other thread, as anything that changes the environment.
    public static func forgetVariables() {
        let names = [
            "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
        ]
        for name in names { unsetenv(name) }
    }
}
