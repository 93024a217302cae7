import Foundation
import TestSupport
import Testing

/// What tprtctl says where the daemon is of another version.
@Suite("A daemon of another version", .blocking)
struct OtherVersionTests {
    /// Answers each connection with one line.
    private static let script = """
        import socket, sys
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen()
        while True:
            connection = listener.accept()[0]
            connection.recv(1 << 16)
            connection.sendall(sys.argv[2].encode() + b"\\n")
            connection.close()
        """

    static let commands = [
        ["status"], ["status", "--json"], ["web"], ["web", "--json"], ["list", "earned"], ["list", "denied"],
        ["identity", "show", "example.org"], ["learn", "ann@example.com", "bob@example.org"],
    ]

    static let replies = [
        // What it says is not what is expected.
        #"{"status": 0}"#, #"{"status": 0, "messages": [], "warnings": []}"#,
        #"{"status": 0, "messages": ["{\"version\": 2}", "x"], "more": {}}"#,
        // It doesn't know the command.
        #"{"status": 69, "warnings": ["tprtd is of another version than tprtctl and doesn't know this command"]}"#,
    ]

    @Test(arguments: commands, replies)
    func commandsThatNeedIt(command: [String], reply: String) throws {
        try withLab { lab in
            let path = lab.directory.file("control.sock")
            let daemon = try ChildProcess.start(["/usr/bin/python3", "-c", Self.script, path, reply])
            defer { withExtendedLifetime(daemon) {} }
            try eventually("the socket") { FileManager.default.fileExists(atPath: path) ? () : nil }
            let tool = try lab.tprtctl(command + ["--socket", path])
            #expect(try tool.waitForEnd() == .exited(69))
            // What programs read is JSON then, too.
            #expect(tool.output.isEmpty == !command.contains("--json"))
            #expect(tool.output.allSatisfy { $0.contains(#""status": 69"#) })
            let said = tool.errors.joined(separator: "\n")
            #expect(said.contains("another version"), "\(command) \(reply): \(said)")
        }
    }
}
