import Glibc

/// The sockets that a service manager opened and hands over (sd_listen_fds(3)): a restart finds waiting in them whoever
/// has connected meanwhile.
///
/// Their files are the manager's: nothing is unlinked in the end.
public struct InheritedSockets: Sendable {
    /// The name of the control socket, which takes no requests of Postfix.
    public static let controlName = "control"
    /// The name of the socket of metrics and the page.
    public static let httpName = "http"

    /// One of them.
    public struct Socket: Sendable {
        /// Its number in this process; it closes on exec.
        public let descriptor: CInt
        let name: String
    }

    private let sockets: [Socket]

    /// Takes what the variables speak of; nothing where they are meant for another process.
    ///
    /// Each socket is closed on exec from now on.
    ///
    /// - Parameter first: the number of the first descriptor, SD_LISTEN_FDS_START; another one in tests
    /// - Throws: where the variables make no sense, or a descriptor is not a unix or TCP socket that listens
    init(environment: [String: String], process: Int32, first: CInt = 3) throws(ServiceManagerError) {
        guard environment["LISTEN_PID"] == String(process), let text = environment["LISTEN_FDS"] else {
            sockets = []
            return
        }
        guard let count = CInt(text), (0...CInt.max - first).contains(count) else {
            throw ServiceManagerError(description: "LISTEN_FDS: invalid value \"\(text)\"")
        }
        let names = environment["LISTEN_FDNAMES"]?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        var sockets: [Socket] = []
        for descriptor in first..<first + count {
            let index = Int(descriptor - first)
            let name = index < names.count ? String(names[index]) : "unknown"
            try Self.examine(descriptor, called: name)
            sockets.append(Socket(descriptor: descriptor, name: name))
        }
        self.sockets = sockets
    }

    var descriptors: Set<CInt> { Set(sockets.map(\.descriptor)) }

    /// Those of the policy protocol: all but the control socket, and those of the page.
    public var policy: [Socket] { sockets.filter { ![Self.controlName, Self.httpName].contains($0.name) } }

    /// Those of metrics and the page.
    public var http: [Socket] { sockets.filter { $0.name == Self.httpName } }

    /// The control socket, where there is one.
    public var control: Socket? { sockets.first { $0.name == Self.controlName } }

    /// Makes sure that it is a stream socket that listens, and has it closed on exec.
    private static func examine(_ descriptor: CInt, called name: String) throws(ServiceManagerError) {
        func unusable(_ message: String) -> ServiceManagerError {
            ServiceManagerError(
                description: "descriptor \(descriptor) (\(name)) that was handed over \(message): "
                    + "the socket unit wants ListenStream= and Accept=no")
        }
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw unusable("is not open") }
        guard let kind = option(SO_TYPE, of: descriptor) else { throw unusable("is not a socket") }
        guard kind == CInt(SOCK_STREAM.rawValue) else { throw unusable("is not a stream socket") }
        guard option(SO_ACCEPTCONN, of: descriptor) == 1 else { throw unusable("does not listen") }
        guard [AF_UNIX, AF_INET, AF_INET6].contains(option(SO_DOMAIN, of: descriptor) ?? AF_UNSPEC) else {
            throw unusable("is neither a unix nor a TCP socket")
        }
    }

    private static func option(_ name: CInt, of descriptor: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}
