import Foundation
import TestSupport

/// A client on a blocking socket that sends bytes as they are; it gives up after a minute.
final class RawClient: Sendable {
    private let descriptor: CInt

    init(_ endpoint: Endpoint) throws {
        descriptor = try endpoint.makeSocket()
        guard try endpoint.withAddress({ connect(descriptor, $0, $1) }) == 0 else {
            // What is complete is deinitialised, which closes it.
            throw TestError.system("connect to \(endpoint)")
        }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        for direction in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, direction, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit {
        close(descriptor)
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        let count = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard count == bytes.count else { throw TestError.system("send") }
    }

    /// Asks for a path.
    func ask(_ path: String, method: String = "GET", host: String = "localhost") throws {
        try send("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    }

    /// Says that it sends no more.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// All that comes until the server closes.
    ///
    /// It waits on a thread of its own: the tests' few shared ones must stay free for the server.
    func everything() async throws -> [UInt8] {
        try await read { _ in false }
    }

    /// The responses up to the end, likewise.
    func answers() async throws -> [HTTPAnswer] {
        var bytes = try await everything()
        var answers: [HTTPAnswer] = []
        while let answer = HTTPAnswer(from: &bytes) { answers.append(answer) }
        guard bytes.isEmpty else { throw TestError("half a response: \(String(decoding: bytes, as: UTF8.self))") }
        return answers
    }

    /// The only response that has come, likewise.
    func answer(hasBody: Bool = true) async throws -> HTTPAnswer {
        var bytes = try await read { bytes in
            var bytes = bytes
            return HTTPAnswer(from: &bytes, hasBody: hasBody) != nil
        }
        guard let answer = HTTPAnswer(from: &bytes, hasBody: hasBody), bytes.isEmpty else {
            throw TestError("no response, or more: \(String(decoding: bytes, as: UTF8.self))")
        }
        return answer
    }

    /// Whether the server has closed it, as far as is known by now.
    var isClosed: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }

    private func read(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.readNow(until: isEnough) }) }
        }
    }

    private func readNow(until isEnough: ([UInt8]) -> Bool) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(bytes) {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count >= 0 else { throw TestError.system("recv") }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
