import Glibc
import Programs
import TestSupport
import Testing
import WhitelistFiles

@testable import DaemonApp

@Suite("PID files")
struct PIDFileTests {
    @Test("hold the number, are locked, and go in the end")
    func life() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/p.pid"
            let file = try PIDFile(path)
            #expect(try text(of: path) == "\(getpid())\n")
            let failure = try #require(throws: ProgramError.self) { try PIDFile(path) }
            #expect(failure.status == .unavailable)
            #expect(
                failure.messages == [
                    "server.pid_file_path: \(path): already running (process \(getpid())): stop it first"
                ])
            file.remove { _ in }
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test(
        "that are stale are taken over, whatever number they hold",
        arguments: ["", "1\n", "4711", "99999999 \n", String(repeating: "\0", count: 4_711)])
    func stale(_ contents: String) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/p.pid"
            try write(contents, to: path)
            try PIDFile.check(path, service: nil)
            #expect(try text(of: path) == contents)
            let file = try PIDFile(path)
            // A configuration that is checked while the daemon runs is in order.
            try PIDFile.check(path, service: nil)
            #expect(try text(of: path) == "\(getpid())\n")
            file.remove { _ in }
        }
    }

    @Test(
        "that are something else are left alone",
        arguments: ["notes\n", "12 34\n", String(repeating: "1", count: 99), "\0\01", "\0\n"])
    func foreign(_ contents: String) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/p.pid"
            try write(contents, to: path)
            #expect(throws: ProgramError.self) { try PIDFile(path) }
            #expect(throws: ProgramError.self) { try PIDFile.check(path, service: nil) }
            #expect(try text(of: path) == contents)
            // Nor what a link leads to.
            symlink(path, "\(directory)/link")
            let failure = try #require(throws: ProgramError.self) { try PIDFile("\(directory)/link") }
            #expect(failure.status == .cannotCreate)
            #expect(throws: ProgramError.self) { try PIDFile("\(directory)/none/p.pid") }
            #expect(throws: ProgramError.self) { try PIDFile(directory) }
        }
    }

    @Test("of somebody else aren't removed; what can't be reached is left to others")
    func replaced() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/p.pid"
            var file = try PIDFile(path)
            unlink(path)
            try write("1\n", to: path)
            file.remove { _ in Issue.record("it is there") }
            #expect(try text(of: path) == "1\n")
            unlink(path)
            file = try PIDFile(path)
            unlink(path)
            var asked: [String] = []
            file.remove { asked.append($0) }
            #expect(asked == [path])
        }
    }
}

func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    let bytes = Array(text.utf8)
    try #require(write(file, bytes, bytes.count) == bytes.count)
}

func text(of path: String) throws -> String {
    String(decoding: try contents(of: path, limit: 1 << 16), as: UTF8.self)
}
