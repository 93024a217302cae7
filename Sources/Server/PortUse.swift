import FileCalls
import Glibc
import SystemPackage

/// Who has a TCP port that can't be bound, as the kernel's tables of sockets say.
enum PortUse: Equatable {
    /// A process listens there.
    case listener
    /// Only connections of a process that listened there before: the kernel keeps each for a minute after its end.
    case closingConnections
    /// It isn't in the tables.
    case unknown

    /// Who has the port of an address.
    ///
    /// - Parameter tables: the contents of /proc/net/tcp and tcp6, whose addresses are the words of the machine in
    ///   hexadecimal digits
    init(of address: UnsafePointer<sockaddr>, in tables: [String]) {
        let (own, port) = Self.spelling(of: address)
        self = .unknown
        for line in tables.joined(separator: "\n").split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 4)
            guard fields.count == 5, let colon = fields[1].lastIndex(of: ":"), fields[1][colon...] == ":\(port)" else {
                continue
            }
            let host = fields[1][..<colon]
            // That of all addresses is taken together with any other.
            guard host == own || host.allSatisfy({ $0 == "0" }) || own.allSatisfy({ $0 == "0" }) else { continue }
            if fields[3] == "0A" {
                self = .listener
                return
            }
            self = .closingConnections
        }
    }

    /// Who has it now.
    init(of address: UnsafePointer<sockaddr>) {
        self.init(
            of: address,
            in: ["/proc/net/tcp", "/proc/net/tcp6"].map {
                String(decoding: (try? FileDescriptor.contents(of: $0)) ?? [], as: UTF8.self)
            })
    }

    private static func spelling(of address: UnsafePointer<sockaddr>) -> (host: String, port: String) {
        func digits(_ number: UInt32, _ count: Int) -> String {
            let text = String(number, radix: 16, uppercase: true)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let raw = UnsafeRawPointer(address)
        if CInt(address.pointee.sa_family) == AF_INET6 {
            let found = raw.loadUnaligned(as: sockaddr_in6.self)
            let words = withUnsafeBytes(of: found.sin6_addr) { bytes in
                (0..<4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
            }
            return (words.map { digits($0, 8) }.joined(), digits(UInt32(UInt16(bigEndian: found.sin6_port)), 4))
        }
        let found = raw.loadUnaligned(as: sockaddr_in.self)
        return (digits(found.sin_addr.s_addr, 8), digits(UInt32(UInt16(bigEndian: found.sin_port)), 4))
    }
}

/// How long to wait for a port on which nobody listens any more.
///
/// A server that listened without SO_REUSEADDR, as TPRT 0.9.3 does, leaves connections that keep everybody else from the port
/// for a minute after its end.
public struct PortPatience: Sendable {
    /// For how many seconds; the kernel's minute, and some more for its timers.
    public var seconds = 70
    /// How often to try again, in microseconds.
    var pause: UInt32 = 250_000
    /// Told once for a port what is waited for.
    private let report: @Sendable (String) -> Void

    /// Waits for that time, and says so.
    public init(report: @escaping @Sendable (String) -> Void) {
        self.report = report
    }

    /// Tries `bind` until it works, the port has a listener, or the time is over; false, and errno, unless it worked.
    func bind(_ address: UnsafePointer<sockaddr>, _ name: String, _ bind: () -> Bool) -> Bool {
        var left = Int64(seconds) * 1_000_000
        var isSaid = false
        while !bind() {
            guard errno == EADDRINUSE, left > 0, PortUse(of: address) != .listener else { return false }
            if !isSaid {
                report(
                    "\(name): no process listens there, but connections of the previous server hold the port, for up to a minute: waiting"
                )
                isSaid = true
            }
            usleep(pause)
            left -= Int64(pause)
            errno = EADDRINUSE
        }
        return true
    }
}
