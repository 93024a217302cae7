import Foundation
import TestSupport

/// A blocking client connection; each call gives up after the time-out.
final class StreamSocket {
    private var descriptor: Int32

    init(to endpoint: Endpoint, timeout: TimeInterval = patience) throws {
        descriptor = try endpoint.makeSocket()
        setTimeout(timeout)
        guard try endpoint.withAddress({ connect(descriptor, $0, $1) }) == 0 else {
            let error = TestError.system("connect \(endpoint)")
            close()
            throw error
        }
        // Small writes go out at once, as Postfix's do.
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        close()
    }

    func close() {
        if descriptor >= 0 {
            Foundation.close(descriptor)
            descriptor = -1
        }
    }

    /// From now on calls give up after so many seconds.
    func setTimeout(_ seconds: TimeInterval) {
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int((seconds - seconds.rounded(.down)) * 1_000_000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { bytes in
                Foundation.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw TestError.system("send") }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// What the other side sent: some bytes, none at the end of the stream, or nil when the time is up.
    func receive(_ limit: Int = 65_536) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            let count = recv(descriptor, &buffer, limit, 0)
            if count >= 0 {
                return Array(buffer[..<count])
            }
            if errno == EAGAIN {
                return nil
            }
            guard errno == EINTR else { throw TestError.system("recv") }
        }
    }
}
