import Foundation
import Glibc
import Greylist
import NIOConcurrencyHelpers
import SystemPackage
import Testing

@testable import LogOutput

/// A log file: opening, rotation, and what can go wrong.
struct LogFileTests {
    /// A folder with a log file in it, for a test.
    static func withFile<Result>(_ body: (_ path: String) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tprt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder.appending(path: "log").path())
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
            let folder = String(path.dropLast(3))
            try #require(FileManager.default.createFile(atPath: folder + "file", contents: nil))
            try #require(mkfifo(folder + "fifo", 0o600) == 0)
            #expect(throws: LogFileError(number: number)) {
                _ = try LogDestination.file(folder + name, linePrefix: nil)
            }
        }
    }
}
