import Glibc
import SystemPackage
import TrustedFiles

/// What a service manager told the process in its environment: systemd, or another one that keeps to its protocol.
public struct ServiceManager: Sendable {
    /// Where it wants to hear how the service is doing; nil where it doesn't.
    public let notifySocket: NotifySocket?
    /// It must hear that the service is alive in intervals shorter than this; nil: it needn't.
    public let watchdog: Duration?
    /// The sockets that it hands over.
    public let sockets: InheritedSockets
    /// What is odd about its wishes, for the log.
    public let warnings: [String]

    /// Reads the variables, connects to its socket, and takes the sockets that it hands over.
    ///
    /// To be done before the process forks or changes its root: what is meant for us is told by our process number.
    ///
    /// - Parameter process: the number of this process
    /// - Throws: for sockets that can't be listened on
    public init(environment: [String: String], process: Int32) throws(ServiceManagerError) {
        sockets = try InheritedSockets(environment: environment, process: process)
        var warnings: [String] = []
        do throws(ServiceManagerError) {
            notifySocket = try environment["NOTIFY_SOCKET"].map(NotifySocket.init(address:))
        } catch {
            notifySocket = nil
            warnings.append("\(error); the service manager is told nothing")
        }
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
        if let text = environment["WATCHDOG_USEC"], isMeant {
            let microseconds = Int64(text).flatMap { $0 > 0 ? $0 : nil }
            watchdog = microseconds.map { .microseconds($0) }
            if microseconds == nil { warnings.append("WATCHDOG_USEC=\(text): no number of microseconds") }
        } else {
            watchdog = nil
        }
        self.warnings = warnings
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

/// Why the wishes of a service manager can't be met.
public struct ServiceManagerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One line: what is wrong and, where there is one, the remedy.
    public let description: String
}

/// The socket on which a service manager hears how its service is doing (sd_notify(3)).
///
/// It is connected once and for all, so that it is found in a chroot as well. It is open until the process ends.
public struct NotifySocket: Sendable {
    let descriptor: CInt

    /// How long a manager that doesn't read may hold up a notice, in milliseconds; then the notice is dropped.
    private static let patience: CInt = 1_000

    /// Connects to the address in `$NOTIFY_SOCKET`: an absolute path, or a name in the abstract namespace after `@`.
    public init(address: String) throws(ServiceManagerError) {
        func fault(_ message: String) -> ServiceManagerError {
            ServiceManagerError(description: "NOTIFY_SOCKET=\(address): \(message)")
        }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(address.utf8)
        guard address.hasPrefix("/") || address.hasPrefix("@"), bytes.count > 1 else {
            throw fault("neither an absolute path nor an abstract name")
        }
        guard bytes.count < MemoryLayout.size(ofValue: name.sun_path) else { throw fault("too long for a socket") }
        withUnsafeMutableBytes(of: &name.sun_path) { path in
            path.copyBytes(from: bytes)
            if address.hasPrefix("@") { path[0] = 0 }
        }
        // An abstract name is as long as is said; that of a path ends in a zero.
        let length = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: name.sun_path) + bytes.count
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw fault("\(Errno(rawValue: errno))") }
        let socket = descriptor
        func connected() -> Bool {
            withUnsafePointer(to: name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(length)) == 0
                }
            }
        }
        do throws(FileError) {
            // An abstract name is nobody's file.
            let isConnected = address.hasPrefix("@") ? connected() : try FileReach(address).act(connected)
            guard isConnected else { throw FileError(address, errno) }
        } catch {
            try? FileDescriptor(rawValue: descriptor).close()
            throw fault(error.message)
        }
    }

    /// Sends a notice; never from an event loop, since it waits a moment where the manager is behind with its reading.
    ///
    /// A manager that is gone is no reason to do anything: the service goes on.
    public func send(_ notice: ServiceNotice) {
        let bytes = Array(notice.text.utf8)
        while Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0 {
            guard errno == EINTR || errno == EAGAIN else { return }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if errno == EAGAIN, poll(&wanted, 1, Self.patience) == 0 { return }
        }
    }
}

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
