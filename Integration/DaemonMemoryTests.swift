import Foundation
import TestSupport
import Testing

@Suite("Memory", .blocking)
struct DaemonMemoryTests {
    /// Many requests in each piece, and no piece ends where a request does.
    @Test("A connection keeps nothing of what it has answered")
    func stream() throws {
        try withLab { lab in
            let daemon = try lab.start()
            let request = Array("protocol_state=DATA\nx=\(String(repeating: "y", count: 676))\n\n".utf8)
            let pieces = 1_000
            let client = try daemon.client()
            let before = try daemon.process.residentMemory()
            var sent = 0
            var answered = 0
            for piece in 0..<pieces {
                // 71 requests and a half, or 71 and what the piece before left.
                let end = (piece + 1) * 71 * request.count + (piece % 2 == 0 ? request.count / 2 : 3)
                var bytes: [UInt8] = []
                while sent < end {
                    bytes.append(request[sent % request.count])
                    sent += 1
                }
                try client.socket.send(bytes)
                while answered < sent / request.count {
                    #expect(try client.reply()?.passes == true)
                    answered += 1
                }
            }
            let grown = try daemon.process.residentMemory() - before
            #expect(grown < 20_000_000, "\(grown) bytes more after \(sent) bytes of requests")
        }
    }
}

extension ChildProcess {
    /// The bytes of memory that the process has.
    fileprivate func residentMemory() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8)
        guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestError("/proc/\(id)/statm can't be read")
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
