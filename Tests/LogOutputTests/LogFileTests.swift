import Foundation
import Glibc
import Greylist
import NIOConcurrencyHelpers
import SystemPackage
import TestSupport
import Testing

@testable import LogOutput

/// A log file: opening, rotation, and what can go wrong.
struct LogFileTests {
    /// A log file in a directory of its own, for a test.
    static func withFile<Result>(_ body: (_ path: String) async throws -> Result) async throws -> Result {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        return try await body(directory.file("log"))
    }

    static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    @Test func isOpenedAnewWhenAsked() async throws {
        try await Self.withFile { path in
            let sink = LogSink(to: try .file(path, linePrefix: nil))
            sink.write(.info, message: "1")
            await sink.flush(within: 5)
            try #require(rename(path, path + ".1") == 0)
            sink.reopen()
            await sink.flush(within: 5)
            sink.write(.info, message: "2")
            await sink.flush(within: 5)
            #expect(Self.text(path + ".1") == "1\n")
            #expect(Self.text(path) == "2\n")
        }
    }

    @Test func isOpenedAnewByItselfWhenAnotherFileOrNoneLiesThere() async throws {
        try await Self.withFile { path in
            let sink = LogSink(to: try .file(path, linePrefix: nil))
            for round in 1...2 {
                sink.write(.info, message: "old")
                await sink.flush(within: 5)
                if round == 1 { try #require(rename(path, path + ".1") == 0) } else { try #require(unlink(path) == 0) }
                // It looks once a second.
                while !FileManager.default.fileExists(atPath: path) {
                    sink.write(.info, message: "new")
                    await sink.flush(within: 5)
                }
                #expect(Self.text(path) == "new\n")
            }
        }
    }

    @Test func goesOnWithTheOldFileWhereTheNewOneCannotBeOpened() async throws {
        try await Self.withFile { path in
            let isDenied = NIOLockedValueBox(false)
            let sink = LogSink(
                to: try .file(path, linePrefix: nil) { path throws(LogFileError) in
                    if isDenied.withLockedValue({ $0 }) { throw LogFileError(number: .permissionDenied) }
                    return try LogDestination.openFile(path)
                })
            isDenied.withLockedValue { $0 = true }
            try #require(rename(path, path + ".1") == 0)
            sink.reopen()
            sink.write(.info, message: "1")
            await sink.flush(within: 5)
            #expect(Self.text(path + ".1") == "1\n")
        }
    }

    @Test func aLineOfPostgreysHasTheTimeBeforeIt() async throws {
        try await Self.withFile { path in
            let sink = LogSink(to: try .file(path, linePrefix: " mx tprtd"))
            sink.write(.warning, message: "a")
            await sink.flush(within: 5)
            #expect(Self.text(path) == "2026-11-25T16:42:35Z mx tprtd[\(getpid())]: warning: a\n")
        }
    }

    @Test(arguments: [
        ("", Errno.isDirectory), ("none/log", .noSuchFileOrDirectory), ("file/log", .notDirectory),
        ("fifo", .noSuchAddressOrDevice),
    ])
    func saysWhyItCannotBeOpened(_ name: String, _ number: Errno) async throws {
        try await Self.withFile { path in
            let directory = String(path.dropLast(3))
            try #require(FileManager.default.createFile(atPath: directory + "file", contents: nil))
            try #require(mkfifo(directory + "fifo", 0o600) == 0)
            #expect(throws: LogFileError(number: number)) {
                _ = try LogDestination.file(directory + name, linePrefix: nil)
            }
        }
    }
}
