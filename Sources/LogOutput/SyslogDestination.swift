import Glibc
import Greylist
import SystemPackage
public import TrustedFiles

extension LogDestination {
    /// A syslog daemon.
    ///
    /// The socket is connected at once. Without a daemon there lines are lost, and counted, until it is there.
    ///
    /// - Parameters:
    ///   - connector: connects to the daemon, at first and whenever it has restarted
    ///   - warn: is told, before this returns, where nobody is there
    public static func syslog(
        _ address: SyslogAddress, header: SyslogHeader,
        connector: @escaping LogConnection.Connector = LogConnection.direct,
        warn: (String) -> Void
    ) -> LogDestination {
        let socket = LogSocket(address, connector: connector)
        if let fault = socket.fault { warn("\(address): \(fault); lines are lost until it can be reached") }
        return LogDestination(writer: SyslogWriter(header: header, socket: socket))
    }
}

private struct SyslogWriter: LogWriter {
    let takesFields = false
    let header: SyslogHeader
    var socket: LogSocket
    private var message: [UInt8] = []

    init(header: SyslogHeader, socket: LogSocket) {
        self.header = header
        self.socket = socket
    }

    mutating func write(_ records: LogRecords) -> Int {
        // Not kept: a process that forks has another one.
        let process = getpid()
        let isRemote = socket.address.isRemote
        let limit = header.limit(isRemote: isRemote)
        var lost = 0
        records.forEachRecord { severity, time, text in
            message.removeAll(keepingCapacity: true)
            message.append(
                syslog: text, header, severity, at: time, process: process, namesHost: isRemote, limit: limit)
            lost += socket.send(&message)
        }
        return lost
    }

    func reopen() {}
}

/// Where a log daemon listens.
public enum SyslogAddress: Sendable, Equatable, CustomStringConvertible {
    /// A unix socket.
    case unix(path: String)
    /// UDP (RFC 5426).
    case udp(host: String, port: String)

    /// Reads the path of a socket, or `host:port`, an IPv6 address in brackets; nil where it is neither.
    public init?(_ text: String) {
        if text.hasPrefix("/") {
            guard sockaddr_un(path: text) != nil else { return nil }
            self = .unix(path: text)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains("/") else { return nil }
        self = .udp(host: String(host), port: String(port))
    }

    /// As it is written in the settings.
    public var description: String {
        switch self {
        case .unix(let path): path
        case .udp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Whether datagrams leave for another host, or might.
    var isRemote: Bool {
        if case .udp = self { true } else { false }
    }

    /// A connected socket; one in the file system is for datagrams, and on some systems a stream.
    ///
    /// Root connects only to where nobody else can lead it.
    ///
    /// - Parameter service: whom root is about to become
    public func connect(for service: FileUser? = nil) -> Result<LogConnection, LogConnection.ConnectError> {
        guard case .unix(let path) = self else { return connectDirectly() }
        do throws(FileError) {
            return try FileReach(path, service: service).act(connectDirectly)
        } catch {
            errno = error.code
            return .failure(LogConnection.ConnectError(error.message))
        }
    }

    private func connectDirectly() -> Result<LogConnection, LogConnection.ConnectError> {
        switch self {
        case .unix(let path):
            guard let address = sockaddr_un(path: path) else {
                return .failure(LogConnection.ConnectError("a socket's path has at most 107 bytes"))
            }
            for (type, isStream) in [(SOCK_DGRAM, false), (SOCK_STREAM, true)] {
                let descriptor = socket(AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
                guard descriptor >= 0 else { break }
                if address.withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 {
                    enlarge(descriptor)
                    return .success(LogConnection(descriptor: descriptor, isStream: isStream))
                }
                let number = errno
                try? FileDescriptor(rawValue: descriptor).close()
                errno = number
                guard number == EPROTOTYPE else { break }
            }
            return .failure(LogConnection.ConnectError("\(Errno(rawValue: errno))"))
        case .udp(let host, let port): return connectUDP(host, port)
        }
    }

    /// A message to the journal may have 320 KB in the worst case; the system's limit holds all the same.
    private func enlarge(_ descriptor: CInt) {
        var size: CInt = 8 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<CInt>.size))
    }

    private func connectUDP(_ host: String, _ port: String) -> Result<LogConnection, LogConnection.ConnectError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0 else {
            return .failure(LogConnection.ConnectError("host \"\(host)\": \(String(cString: gai_strerror(code)))"))
        }
        defer { freeaddrinfo(list) }
        var next = list
        while let entry = next?.pointee {
            let descriptor = socket(
                entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
            if descriptor >= 0, Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 {
                return .success(LogConnection(descriptor: descriptor, isStream: false))
            }
            if descriptor >= 0 { try? FileDescriptor(rawValue: descriptor).close() }
            next = entry.ai_next
        }
        return .failure(LogConnection.ConnectError("no address of host \"\(host)\" can be reached"))
    }
}
