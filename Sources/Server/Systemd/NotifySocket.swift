import Glibc
import TrustedFiles

/// The socket on which a service manager hears how its service is doing (sd_notify(3)).
///
/// It is connected once and for all, so that it is found in a chroot as well. It is open until the process ends.
public struct NotifySocket: Sendable {
    let descriptor: CInt

    /// How long a manager that doesn't read may hold up a notice, in milliseconds; then the notice is dropped.
    private static let patience: CInt = 1_000

    /// Why the socket can't be used.
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The complaint.
        public let description: String
    }

    /// Connects to the address in `$NOTIFY_SOCKET`: an absolute path, or a name in the abstract namespace after `@`.
    public init(address: String) throws(Fault) {
        func fault(_ complaint: String) -> Fault { Fault(description: "NOTIFY_SOCKET=\(address): \(complaint)") }
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
        guard descriptor >= 0 else { throw fault(String(cString: strerror(errno))) }
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
            Glibc.close(descriptor)
            throw fault(error.sentence)
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
