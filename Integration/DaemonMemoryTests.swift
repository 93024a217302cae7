import Foundation
import Testing

@Suite("Memory", .blocking)
struct DaemonMemoryTests {
    /// Requests of 50,000 bytes, in pieces that never end where a request does.
    @Test("A connection keeps nothing of what it has answered")
    func stream() throws {
        try withLab { lab in
            let daemon = try lab.start()
            let line = "x=" + String(repeating: "y", count: 7_998) + "\n"
            let request = Array(("protocol_state=DATA\n" + String(repeating: line, count: 6) + "\n").utf8)
            let count = 1_600
            let client = try daemon.client()
            let before = try daemon.process.residentMemory()
            var rest: [UInt8] = []
            for _ in 0..<count {
                rest += request
                while rest.count > 40_000 {
                    try client.socket.send(Array(rest.prefix(40_000)))
                    rest.removeFirst(40_000)
                }
            }
            try client.socket.send(rest)
            for _ in 0..<count { #expect(try client.reply()?.passes == true) }
            let grown = try daemon.process.residentMemory() - before
            #expect(grown < 20_000_000, "\(grown) bytes for \(count * request.count) of requests")
        }
    }
}

extension ChildProcess {
    /// The bytes of memory that the process has.
    fileprivate func residentMemory() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8)
        guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw HarnessError("/proc/\(id)/statm can't be read")
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
