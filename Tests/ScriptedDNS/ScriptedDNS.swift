import Foundation
import TestSupport

/// A DNS server on a port of 127.0.0.1, UDP and TCP, that does as a test likes: what real servers don't do.
///
/// It serves on a thread of its own as long as this object is there, and a moment longer.
public final class ScriptedDNS: Sendable {
    /// Where it listens.
    public let port: UInt16

    private let service: DNSService

    /// A server that says nothing where `answer`, which is called on the server's thread, returns nil.
    public init(_ answer: @escaping @Sendable (DNSRequest) -> DNSResponse?) throws {
        let (port, listener, datagrams) = try Self.sockets()
        let service = DNSService(answer)
        (self.port, self.service) = (port, service)
        Thread { service.serve(listener, datagrams) }.start()
    }

    /// A server of a zone; it knows the names of its records, and none else.
    public convenience init(zone records: [DNSRecord]) throws {
        try self.init { request in
            let owned = records.filter { $0.name == DNSRecord.wire(request.name) }
            let wanted = owned.filter { $0.type == request.type || $0.type == 5 }
            guard wanted.isEmpty else { return DNSResponse(wanted) }
            return DNSResponse(code: owned.isEmpty ? 3 : 0, authority: [.start("example")])
        }
    }

    deinit { service.isStopped.withLock { $0 = true } }

    /// As `dns_servers` has it.
    public var address: String { "127.0.0.1:\(port)" }

    /// What was asked so far.
    public var requests: [DNSRequest] { service.asked.withLock { $0 } }

    private static func sockets() throws -> (port: UInt16, listener: Int32, datagrams: Int32) {
        for _ in 0..<100 {
            let (port, listener) = try Ports.listening(blocks: false)
            let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard datagrams >= 0 else { throw TestError.system("socket") }
            if try Endpoint.inet(port).withAddress({ bind(datagrams, $0, $1) }) == 0 {
                var size: Int32 = 1 << 20
                setsockopt(datagrams, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
                return (port, listener, datagrams)
            }
            close(listener)
            close(datagrams)
        }
        throw TestError("no free port for UDP")
    }
}

/// What the server's thread does.
private final class DNSService: Sendable {
    let asked = Locked<[DNSRequest]>([])
    let isStopped = Locked(false)
    private let answer: @Sendable (DNSRequest) -> DNSResponse?

    init(_ answer: @escaping @Sendable (DNSRequest) -> DNSResponse?) {
        self.answer = answer
    }

    func serve(_ listener: Int32, _ datagrams: Int32) {
        var connections: [Int32: [UInt8]] = [:]
        while !isStopped.withLock({ $0 }) {
            let descriptors = [listener, datagrams] + connections.keys
            var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), 50) > 0 else { continue }
            for entry in polled where entry.revents != 0 {
                switch entry.fd {
                case listener:
                    let connection = accept(listener, nil, nil)
                    if connection >= 0 { connections[connection] = [] }
                case datagrams: serveDatagram(datagrams)
                default:
                    if !serve(entry.fd, &connections[entry.fd, default: []]) {
                        close(entry.fd)
                        connections[entry.fd] = nil
                    }
                }
            }
        }
        for descriptor in [listener, datagrams] + connections.keys { close(descriptor) }
    }

    private func respond(to message: [UInt8], isTCP: Bool) -> [UInt8]? {
        guard let request = DNSRequest(message, isTCP: isTCP) else { return nil }
        asked.withLock { $0.append(request) }
        return answer(request)?.message(to: request)
    }

    private func serveDatagram(_ socket: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var (peer, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        withUnsafeMutablePointer(to: &peer) { peer in
            peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                let count = recvfrom(socket, &buffer, buffer.count, 0, peer, &size)
                guard count > 0, let message = respond(to: Array(buffer[..<count]), isTCP: false) else { return }
                sendto(socket, message, message.count, 0, peer, size)
            }
        }
    }

    /// Serves what has come over a connection; whether it goes on.
    private func serve(_ connection: Int32, _ received: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(connection, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received += buffer[..<count]
        while received.count >= 2 {
            let length = Int(received[0]) << 8 | Int(received[1])
            guard received.count >= 2 + length else { break }
            let message = Array(received[2..<(2 + length)])
            received.removeFirst(2 + length)
            guard let response = respond(to: message, isTCP: true) else { continue }
            let bytes = [UInt8(response.count >> 8), UInt8(response.count & 0xff)] + response
            guard send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return false }
        }
        return true
    }
}
