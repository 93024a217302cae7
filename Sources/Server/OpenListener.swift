import FileCalls
public import Glibc
import Logging
import NIOCore
public import ServiceManager
import SystemPackage
import TrustedFiles

/// A socket that listens, opened before the server starts so that every fault is known by then.
public struct OpenListener: Sendable {
    /// Where it listens, with the address and port that were really given.
    public let address: ListenAddress
    /// The socket.
    public let descriptor: CInt
    /// How many connections may wait to be accepted.
    let backlog: Int
    /// The file of a unix socket.
    let file: SocketFile?
    /// Whether another process goes on listening there after this one: what waits is that one's.
    let isHeldElsewhere: Bool

    init(
        address: ListenAddress, descriptor: CInt, backlog: Int, file: SocketFile?, isHeldElsewhere: Bool = false
    ) {
        self.address = address
        self.descriptor = descriptor
        self.backlog = backlog
        self.file = file
        self.isHeldElsewhere = isHeldElsewhere
    }

    /// Opens what an address names: one socket, but for a host name that stands for several addresses.
    ///
    /// - Parameters:
    ///   - backlog: how many connections may wait to be accepted
    ///   - takesOverStale: whether a unix socket that nobody listens on is replaced
    ///   - owner: whom the file of a unix socket is given to; nil to leave it to this process
    ///   - patience: how long to wait for a port that only connections of an earlier server keep; nil: not at all
    public static func open(
        _ address: ListenAddress, backlog: Int, takesOverStale: Bool = true, owner: SocketOwner? = nil,
        patience: PortPatience? = nil
    ) throws(ListenError) -> [OpenListener] {
        switch address {
        case .unix(let path, let mode, let group):
            return [
                try openUnixSocket(
                    path, mode: mode, group: group, backlog: backlog, takesOverStale: takesOverStale, owner: owner)
            ]
        case .inet(let host, let port):
            return try openInetSockets(host: host, port: port, backlog: backlog, patience: patience)
        }
    }

    /// Sets the backlog again: NIO listens once more when it takes the socket, with a backlog of its own.
    func restoreBacklog() {
        listen(descriptor, Int32(clamping: backlog))
    }

    /// Closes a socket that was never handed to a server.
    public func close() {
        Glibc.close(descriptor)
        file?.remove()
    }
}

extension OpenListener {
    /// Removes the file of a unix socket that another server has closed.
    public func removeFile() { file?.remove() }
}

extension InheritedSockets {
    /// The listeners of the policy protocol.
    ///
    /// Their files are the service manager's: nothing is unlinked in the end.
    ///
    /// - Parameter backlog: how many connections may wait to be accepted; replaces what the manager asked for
    public func policyListeners(backlog: Int) throws(ListenError) -> [OpenListener] {
        try policy.map { socket throws(ListenError) in try OpenListener(held: socket, backlog: backlog) }
    }

    /// The listeners of metrics and the page.
    public func httpListeners() throws(ListenError) -> [OpenListener] {
        try http.map { socket throws(ListenError) in try OpenListener(held: socket, backlog: 64) }
    }

    /// The listener of the control socket, where there is one.
    public func controlListener() throws(ListenError) -> OpenListener? {
        try control.map { socket throws(ListenError) in try OpenListener(held: socket, backlog: 16) }
    }
}

extension OpenListener {
    fileprivate init(held socket: InheritedSockets.Socket, backlog: Int) throws(ListenError) {
        guard let address = ListenAddress(boundTo: socket.descriptor) else {
            throw .system(errno, "descriptor \(socket.descriptor) that was handed over", "getsockname")
        }
        self.init(
            address: address, descriptor: socket.descriptor, backlog: backlog, file: nil, isHeldElsewhere: true)
    }
}

/// Whom the file of a unix socket belongs to.
public struct SocketOwner: Sendable, Equatable {
    /// The user.
    public let user: uid_t
    /// The group.
    public let group: gid_t

    /// That user and that group.
    public init(user: uid_t, group: gid_t) {
        self.user = user
        self.group = group
    }
}

/// The file of a unix socket, known by its inode: it is removed in the end only while it is still ours.
struct SocketFile: Sendable {
    let path: String
    private let status: Stat

    init?(path: String) {
        guard let status = try? Stat(path, followTargetSymlink: false) else { return nil }
        self.path = path
        self.status = status
    }

    func remove() {
        _ = try? FileReach(path).act {
            guard let now = SocketFile(path: path), now.status.isSameFile(as: status) else { return }
            try? FileNames.remove(path)
        }
    }
}

extension ListenError {
    /// What the system answered while a listener was opened.
    static func system(
        _ code: CInt, _ address: String, _ doing: String, as reach: FileReach? = nil
    ) -> ListenError {
        let consequence: Code =
            switch code {
            case EADDRINUSE: .taken
            case EACCES, EPERM, EROFS: .denied
            case EADDRNOTAVAIL: .unusable
            default: .cannotCreate
            }
        let remedy =
            switch code {
            case ENOENT, ENOTDIR: ": create its directory"
            case EACCES, EPERM: ": start it as root with server.user, or listen where this user may"
            case EADDRNOTAVAIL: ": this machine has no such address"
            default: ""
            }
        let who = reach?.user.map { " as \($0.name), who owns a directory on the way" } ?? ""
        return ListenError(consequence, "\(address): \(doing)\(who): \(String(cString: strerror(code)))\(remedy)")
    }
}

/// Pauses accepting for a moment when a connection can't be accepted, so that a listener without file descriptors waits
/// and doesn't spin.
///
/// It says once that connections can't be accepted, and once that they are again. NIO's `AcceptBackoffHandler` holds the
/// next read back, but leaves the socket among those that are polled, where a waiting connection makes it ready at once.
final class AcceptErrorHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(200)

    private let log: LimitedLog
    private let registry: ConnectionRegistry?
    private var isFailing = false

    /// - Parameter registry: counts what can't be accepted
    init(log: LimitedLog, counting registry: ConnectionRegistry? = nil) {
        self.log = log
        self.registry = registry
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isFailing {
            isFailing = false
            log.log(.accepting, level: .notice, "connections are accepted again")
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isOutOfDescriptors = [EMFILE, ENFILE].contains((error as? IOError)?.errnoCode)
        registry?.note(isOutOfDescriptors ? .descriptors : .failed)
        if !isFailing {
            isFailing = true
            log.log(
                .accepting,
                isOutOfDescriptors
                    ? "out of file descriptors; accepting paused (raise LimitNOFILE=)"
                    : "a connection could not be accepted: \(error)")
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenSuccess {
            channel.eventLoop.scheduleTask(in: Self.pause) { channel.setOption(.autoRead, value: true) }
        }
    }
}
