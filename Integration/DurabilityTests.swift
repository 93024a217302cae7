import Foundation
import TestSupport
import Testing

/// What a daemon still knows whatever happened to it.
@Suite("Durability", .blocking)
struct DurabilityTests {
    private func start(_ lab: Lab, _ durability: String, variables: [String] = []) throws -> Daemon {
        let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300)
        let daemon = try lab.launch(
            arguments + ["-i", "service.durability=\(durability)", "-i", "service.sync_interval=1000ms"],
            listeningAt: [lab.unixEndpoint], variables: variables)
        try daemon.waitUntilReady()
        return daemon
    }

    @Test(
        "Killed, it has lost nothing that it answered: tprtctl reads it, and the next start takes it in",
        arguments: [["commit", "interval"], ["interval", "commit"], ["interval", "interval"]])
    func killed(durabilities: [String]) async throws {
        try await withLab { lab in
            var count = 0
            for durability in durabilities {
                let daemon = try start(lab, durability)
                let client = try daemon.client()
                for number in count..<count + 300 { #expect(try client.ask(.numbered(number)).isGreylisted) }
                count += 300
                try daemon.kill()
                let files = lab.directory.names(beginningWith: "tprt.lmdb")
                #expect(files.contains { $0.hasPrefix("tprt.lmdb-journal-") })
                let copy = lab.directory.file("copy\(count).lmdb")
                try lab.tprtctl(["store", "copy", "lmdb://\(lab.database)", "lmdb://\(copy)"]).succeed()
                #expect(try await StoreFile.read(at: copy).count == count)
                #expect(lab.directory.names(beginningWith: "tprt.lmdb") == files)
            }
            let last = try start(lab, "commit")
            #expect(try last.terminate() == .exited(0))
            #expect(last.lines.contains { $0.contains("entries from the journal") })
            #expect(lab.directory.names(beginningWith: "tprt.lmdb") == ["tprt.lmdb", "tprt.lmdb-lock"])
            let copy = try await StoreFile.read(at: lab.directory.file("copy\(count).lmdb"))
            #expect(try await StoreFile.read(at: lab.database) == copy)
        }
    }

    @Test(
        "A disk that fails costs no answer that was given, and no later one when it is well again",
        arguments: ["pwrite", "writev", "fdatasync", "fsync"], ["commit", "interval"])
    func failing(call: String, durability: String) async throws {
        try await withLab { lab in
            let disk = try FailingDisk(call, in: lab.directory)
            let daemon = try start(lab, durability, variables: disk.variables)
            let client = try daemon.client()
            var known = 0
            func ask(_ numbers: Range<Int>) throws {
                for number in numbers {
                    let reply = try client.ask(.numbered(number))
                    #expect(reply.isGreylisted || reply.passes)
                    if reply.isGreylisted { known += 1 }
                }
            }
            try ask(0..<50)
            #expect(known == 50)
            try disk.fail()
            try ask(50..<150)
            // Neither the journal nor the database can be written.
            if call == "pwrite" { #expect(known == 50) }
            try disk.recover()
            try eventually("greylisting goes on") {
                try client.ask(.numbered(150)).isGreylisted ? () : nil
            }
            try ask(151..<200)
            try daemon.kill()
            let copy = lab.directory.file("copy.lmdb")
            try lab.tprtctl(["store", "copy", "lmdb://\(lab.database)", "lmdb://\(copy)"]).succeed()
            #expect(try await StoreFile.read(at: copy).count >= known + 1)
            let next = try start(lab, durability)
            #expect(try next.terminate() == .exited(0))
            #expect(try await StoreFile.read(at: lab.database) == StoreFile.read(at: copy))
        }
    }
}

/// A disk on which one of the system's calls fails as long as a certain file is there.
private struct FailingDisk {
    private let flag: String
    /// What makes a daemon write to this disk.
    let variables: [String]

    init(_ call: String, in directory: TemporaryDirectory) throws {
        flag = directory.file("fail")
        let library = directory.file("fail.so")
        let source = try directory.write(Self.source(call), to: "fail.c")
        let output = try LineReader()
        defer { close(output.writeEnd) }
        let compiler = try ChildProcess.start(
            ["clang", "-shared", "-fPIC", "-o", library, source], output: output.writeEnd, errors: output.writeEnd)
        guard try compiler.wait() == .exited(0) else { throw TestError("clang can't compile the test's library") }
        variables = ["LD_PRELOAD=\(library)", "FAIL_WHILE_EXISTS=\(flag)"]
    }

    func fail() throws {
        try Data().write(to: URL(fileURLWithPath: flag))
    }

    func recover() throws {
        try FileManager.default.removeItem(atPath: flag)
    }

    private static func source(_ call: String) -> String {
        let function =
            switch call {
            case "pwrite": "FAILING(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), pwrite64, fd, b, n, o)"
            case "writev": "FAILING(ssize_t, writev, (int fd, const void *v, int n), writev, fd, v, n)"
            default: "FAILING(int, \(call), (int fd), \(call), fd)"
            }
        return """
            #include <errno.h>
            #include <stdlib.h>
            #include <sys/stat.h>
            #include <sys/syscall.h>
            #include <unistd.h>

            #define FAILING(type, name, parameters, number, ...) \\
                type name parameters { \\
                    const char *flag = getenv("FAIL_WHILE_EXISTS"); \\
                    struct stat status; \\
                    if (flag && access(flag, F_OK) == 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) { \\
                        errno = EIO; \\
                        return -1; \\
                    } \\
                    return syscall(SYS_##number, __VA_ARGS__); \\
                }
            \(function)
            """
    }
}
