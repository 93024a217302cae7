import Foundation
import Glibc

/// A client of the policy protocol on a blocking socket; it gives up after a minute.
final class Client: Sendable {
    private let descriptor: CInt

    struct ParseError: Error, CustomStringConvertible {
        let description: String
    }

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw ParseError(description: "connect: \(String(cString: strerror(errno)))") }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        for direction in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, direction, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit {
        close(descriptor)
    }

    func send(_ bytes: [UInt8]) throws {
        let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard count == bytes.count else { throw ParseError(description: "send: \(String(cString: strerror(errno)))") }
    }

    /// Sends the bytes, however long that takes; on a thread of its own.
    func sendAll(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.send(bytes) }) }
        }
    }

    /// Sends as many of the bytes as find room now; returns how many.
    func sendWhatFits(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.withUnsafeBytes {
            max(0, Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | Int(MSG_DONTWAIT))))
        }
    }

    /// Says that nothing more will come.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Reads up to the next empty line; what was read so far where the server closes, nil where it closed before.
    ///
    /// It waits on a thread of its own: the tests' few shared ones must stay free for the server.
    func reply() async throws -> String? {
        try await read(to: [10, 10]).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads up to the end of the line, likewise; without that end.
    func line() async throws -> [UInt8]? {
        try await read(to: [10])?.dropLast()
    }

    private func read(to end: [UInt8]) async throws -> [UInt8]? {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.readNow(to: end) }) }
        }
    }

    /// Reads until the server closes; returns how many bytes came.
    func countToTheEnd() async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                var chunk = [UInt8](repeating: 0, count: 65_536)
                var total = 0
                while true {
                    let count = recv(self.descriptor, &chunk, chunk.count, 0)
                    guard count > 0 else {
                        let fault = ParseError(description: "the server doesn't close")
                        return continuation.resume(with: count == 0 ? .success(total) : .failure(fault))
                    }
                    total += count
                }
            }
        }
    }

    private func readNow(to end: [UInt8]) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while !bytes.suffix(end.count).elementsEqual(end) {
            let count = recv(descriptor, &byte, 1, 0)
            guard count >= 0 || errno == ECONNRESET else { throw ParseError(description: "no reply in a minute") }
            guard count > 0 else { return bytes.isEmpty ? nil : bytes }
            bytes.append(byte)
        }
        return bytes
    }
}
