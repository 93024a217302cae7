import Foundation
import TestSupport
import Testing

/// A disk that hangs: every sync of the daemon's waits for as long as a certain file is there.
private struct HungDisk {
    private let flag: String
    /// What makes a daemon write to this disk.
    private let variables: [String]

    init(in directory: TemporaryDirectory) throws {
        flag = directory.file("hang")
        let library = directory.file("hang.so")
        let source = try directory.write(Self.source, to: "hang.c")
        let output = try LineReader()
        defer { close(output.writeEnd) }
        let compiler = try ChildProcess.start(
            ["clang", "-shared", "-fPIC", "-o", library, source], output: output.writeEnd, errors: output.writeEnd)
        guard try compiler.wait() == .exited(0) else { throw TestError("clang can't compile the test's library") }
        variables = ["LD_PRELOAD=\(library)", "HANG_WHILE_EXISTS=\(flag)"]
    }

    /// Starts a daemon of the lab that writes to this disk.
    func daemon(of lab: Lab) throws -> Daemon {
        let endpoint = lab.unixEndpoint
        let arguments = lab.arguments(at: endpoint, delay: 300)
        let daemon = try lab.launch(arguments, listeningAt: [endpoint], variables: variables)
        try daemon.waitUntilReady()
        return daemon
    }

    func hang() throws {
        try Data().write(to: URL(fileURLWithPath: flag))
    }

    func recover() throws {
        try FileManager.default.removeItem(atPath: flag)
    }

    private static let source = """
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        int fdatasync(int fd) {
            const char *flag = getenv("HANG_WHILE_EXISTS");
            while (flag && access(flag, F_OK) == 0) usleep(20000);
            return syscall(SYS_fdatasync, fd);
        }
        """
}

@Suite("A disk that hangs", .blocking)
struct HungDiskTests {
    @Test("Mail passes within the deadline, and greylisting goes on when the disk does")
    func passes() throws {
        try withLab { lab in
            let disk = try HungDisk(in: lab.directory)
            let daemon = try disk.daemon(of: lab)
            #expect(try daemon.ask(PolicyRequest(sender: "before@sender.example")).isGreylisted)
            try disk.hang()
            let begin = uptime()
            for number in 0..<2 {
                #expect(try daemon.ask(PolicyRequest(sender: "during\(number)@sender.example")).passes)
            }
            // One deadline of two seconds: the second request doesn't wait any more.
            #expect(uptime() - begin < 5)
            try disk.recover()
            try eventually("greylisting goes on") {
                try daemon.ask(PolicyRequest(sender: "after@sender.example")).isGreylisted ? () : nil
            }
            try daemon.waitForLine("the store's return") { $0.contains("the store answers again") }
            #expect(daemon.lines.filter { $0.contains("did not answer within") }.count == 1)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("SIGTERM ends it all the same, with status 0, within two seconds; who waits for the disk gets an answer")
    func ends() throws {
        try withLab { lab in
            let disk = try HungDisk(in: lab.directory)
            let daemon = try disk.daemon(of: lab)
            try disk.hang()
            let client = try daemon.client()
            try client.send(PolicyRequest(sender: "a@sender.example"))
            // When this one is answered, the other is with the store.
            #expect(try daemon.ask(PolicyRequest(clientAddress: "unknown", sender: "b@sender.example")).passes)
            let begin = uptime()
            try daemon.process.signal(SIGTERM)
            let reply = try client.reply()
            #expect(reply?.passes == true, "\(String(describing: reply))")
            #expect(try daemon.process.wait() == .exited(0))
            #expect(uptime() - begin < 2)
            #expect(try daemon.waitForEnd() == .exited(0))
        }
    }
}
