import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Server

@Suite("The use of a port")
struct PortUseTests {
    /// Lines of /proc/net/tcp and tcp6, as Linux 6 on x86-64 has them, up to the columns that count.
    private static func line(_ local: String, _ state: String) -> String {
        "   0: \(local) 0100007F:D2F0 \(state) 00000000:00000000 03:00001482 00000000     0        0 0 3 0000000000000000"
    }

    private func use(_ host: String, _ port: Int, _ lines: [String]) throws -> PortUse {
        try SocketAddress(ipAddress: host, port: port).withSockAddr { address, _ in PortUse(of: address, in: lines) }
    }

    @Test("is that of a listener, or of connections that are left over")
    func states() throws {
        // 10023 is 2727 in hexadecimal digits.
        let waiting = Self.line("0100007F:2727", "06")
        #expect(try use("127.0.0.1", 10_023, ["  sl  local_address", waiting]) == .closingConnections)
        #expect(try use("127.0.0.1", 10_023, [waiting, Self.line("0100007F:2727", "0A")]) == .listener)
        #expect(try use("127.0.0.1", 10_023, [Self.line("00000000:2727", "0A")]) == .listener)
        #expect(try use("0.0.0.0", 10_023, [Self.line("0200007F:2727", "0A")]) == .listener)
        #expect(try use("127.0.0.1", 10_023, ["", String(repeating: "0", count: 32) + ":2727"]) == .unknown)
        // Another address, another port.
        #expect(try use("127.0.0.1", 10_023, [waiting, Self.line("0200007F:2727", "0A")]) == .closingConnections)
        #expect(try use("127.0.0.1", 10_024, [waiting]) == .unknown)
    }

    @Test("by no listener is waited for, and said once")
    func waits() throws {
        let said = NIOLockedValueBox<[String]>([])
        var patience = PortPatience { message in said.withLockedValue { $0.append(message) } }
        (patience.seconds, patience.pause) = (1, 0)
        // That of nobody.
        let nobody = try SocketAddress(ipAddress: "127.255.0.9", port: 1)
        var tries = 0
        let isBound = nobody.withSockAddr { address, _ in
            patience.bind(address, "inet:h:1") {
                tries += 1
                errno = EADDRINUSE
                return tries == 3
            }
        }
        #expect(isBound && tries == 3)
        #expect(said.withLockedValue { $0.count } == 1)
        #expect(said.withLockedValue { $0.first?.contains("inet:h:1: no process listens there") == true })
    }
}
