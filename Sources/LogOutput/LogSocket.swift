import Glibc
import NIOCore
import SystemPackage

import struct SystemPackage.FileDescriptor

/// A socket to a log daemon, which is connected again when the daemon has restarted.
///
/// It waits while the daemon doesn't read; who isn't there is tried again after a second at the earliest.
struct LogSocket: Sendable {
    private static let pause = TimeAmount.seconds(1)

    let address: SyslogAddress
    private let connector: LogConnection.Connector
    private var connection: LogConnection?
    private var nextAttempt = NIODeadline.now()

    /// Connects at once, so that it works where the address is out of reach later.
    init(_ address: SyslogAddress, connector: @escaping LogConnection.Connector = LogConnection.direct) {
        self.address = address
        self.connector = connector
        connect()
    }

    /// Why nobody is connected; nil where somebody is.
    private(set) var fault: String?

    /// Sends a message; returns how many were lost, which may have been an earlier one.
    mutating func send(_ message: inout [UInt8]) -> Int {
        var lost = 0
        for _ in 0..<2 {
            if connection == nil, NIODeadline.now() >= nextAttempt { connect() }
            guard let connection else { return lost + 1 }
            // Messages are parted by NUL on a stream, as syslog(3) parts them.
            if connection.isStream { message.append(0) }
            let number = send(message[...], connection.descriptor)
            if connection.isStream { message.removeLast() }
            switch number {
            case nil: return lost
            case EMSGSIZE?, ENOBUFS?, EPERM?, EACCES?: return lost + 1
            case ECONNREFUSED? where address.isRemote:
                // The other host refused an earlier datagram; this one hasn't been sent.
                lost += 1
            default: disconnect()
            }
        }
        return lost + 1
    }

    /// Returns the error's number, or nil.
    private func send(_ message: ArraySlice<UInt8>, _ descriptor: CInt) -> CInt? {
        var rest = message
        while true {
            let sent = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if sent == rest.count { return nil }
            if sent >= 0 {
                rest = rest.dropFirst(sent)
            } else if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                Glibc.poll(&poll, 1, 1_000)
            } else if errno != EINTR {
                return errno
            }
        }
    }

    private mutating func connect() {
        nextAttempt = .now() + Self.pause
        switch connector(address) {
        case .success(let connection): (self.connection, fault) = (connection, nil)
        case .failure(let error): fault = error.description
        }
    }

    private mutating func disconnect() {
        if let connection { try? FileDescriptor(rawValue: connection.descriptor).close() }
        connection = nil
        // A daemon that has just restarted is there at once; one that is not is left alone for a while.
        nextAttempt = .now()
    }
}

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
    public struct ConnectError: Error, Sendable, CustomStringConvertible {
        /// What is wrong.
        public let description: String

        /// That message.
        public init(_ description: String) {
            self.description = description
        }
    }

    /// Connects to an address, be it by a process that reaches what this one doesn't, as from a chroot.
    public typealias Connector = @Sendable (SyslogAddress) -> Result<LogConnection, ConnectError>

    /// Connects from here.
    public static let direct: Connector = { $0.connect() }
}
