import ArgumentParser
import Foundation
import Greylist
import Programs
import Settings
import Storage
import TestSupport
import Testing

@testable import tprtctl

@Suite("The file of the checkpoint")
struct CheckpointFileTests {
    private let directory: TemporaryDirectory
    private let state: StateDirectory

    init() throws {
        directory = try TemporaryDirectory()
        state = StateDirectory(environment: ["STATE_DIRECTORY": directory.path])
    }

    private func file(_ arguments: [String]) throws -> CheckpointFile {
        let command = try CopyCommand.parse(arguments)
        return CheckpointFile(
            of: try CopyPlan(
                command, service: Configuration.Service(), state: state, keys: command.hashKeys ? .hashed : nil),
            in: state)
    }

    @Test("it is written whole, at most once a second, and read by the next run")
    func written() throws {
        var file = try file(["lmdb:///a", "redis://u:s3cret@h"])
        #expect(try file.read() == nil)
        var checkpoint = CopyCheckpoint(Table.allCases)
        checkpoint.tables[0].cursor = Cursor([1])
        try file.note(checkpoint)
        #expect(try file.read() == checkpoint)
        let first = checkpoint
        checkpoint.tables[0].cursor = Cursor([2])
        try file.note(checkpoint)
        #expect(try file.read() == first)
        try file.write(checkpoint)
        #expect(try file.read() == checkpoint)
        #expect(directory.names == [URL(filePath: file.path).lastPathComponent])
        #expect(try !String(contentsOfFile: file.path, encoding: .utf8).contains("s3cret"))
        file.remove()
        #expect(directory.names.isEmpty)
    }

    @Test("another copy has another file; another password doesn't make it another copy")
    func names() throws {
        let arguments = [
            ["lmdb:///a", "redis://u:one@h"], ["lmdb:///b", "redis://h"], ["lmdb:///a", "redis://h/1"],
            ["lmdb:///a", "redis://h", "--table", "greylist"], ["lmdb:///a", "redis://h", "--hash-keys"],
            ["lmdb:///a", "redis://h", "--to-key-prefix", "p"],
        ]
        #expect(try Set(arguments.map { try file($0).path }).count == arguments.count)
        #expect(try file(arguments[0]).path == file(["lmdb:///a", "redis://v:two@h"]).path)
    }

    @Test("what can't be read or written is said with its name")
    func faults() throws {
        var file = try file(["lmdb:///a", "lmdb:///b"])
        try Data("tprt-copy 1\n".utf8).write(to: URL(filePath: file.path))
        #expect(throws: CheckpointError.self) { try file.read() }
        try FileManager.default.removeItem(atPath: file.path)
        try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: false)
        let fault = try #require(throws: CheckpointError.self) { try file.write(CopyCheckpoint([.greylist])) }
        #expect(fault.description.hasPrefix(file.path + ": "))
        #expect(directory.names.count == 1)
    }
}
