import Foundation
import Greylist
import Storage
import TestSupport
import Testing

import struct RedisLab.RedisOptions
import class RedisLab.RedisServer
import func RedisLab.withServer

/// `tprtctl store copy` from damaged files, and to targets that lose what they had: a copy is whole, or says that it isn't.
@Suite("Copying what is damaged", .blocking)
struct StoreDamageTests {
    /// What becomes of a file.
    enum Damage: String, CaseIterable {
        case flippedBits, zeroedPages, noise, truncated, header, lastBytes
    }

    private static func damage(_ bytes: Data, _ damage: Damage, _ random: inout SeededRandom) -> Data {
        var bytes = Data(bytes)
        let page = 4_096
        switch damage {
        case .flippedBits:
            for _ in 0..<40 { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << Int.random(in: 0...7) }
        case .zeroedPages, .noise:
            for _ in 0..<3 {
                let start = Int.random(in: 0..<bytes.count / page, using: &random) * page
                for index in start..<min(start + page, bytes.count) {
                    bytes[index] = damage == .noise ? UInt8.random(in: 0...255, using: &random) : 0
                }
            }
        case .truncated: bytes = bytes.prefix(Int.random(in: 1..<bytes.count, using: &random))
        case .header: for index in 0..<64 { bytes[index] = UInt8.random(in: 0...255, using: &random) }
        case .lastBytes: bytes = bytes.dropLast(1 + Int.random(in: 0..<page, using: &random))
        }
        return bytes
    }

    @Test("A damaged LMDB file ends a copy with a sentence and a status", arguments: Damage.allCases)
    func lmdb(_ damage: Damage) async throws {
        try await withLab { lab in
            let source = lab.directory.file("a.lmdb")
            try await StoreFile.write(StoreFile.entries(4_000), at: source)
            let whole = try Data(contentsOf: URL(filePath: source))
            let expected = try await StoreFile.read(at: source)
            for seed in 0..<8 {
                var random = SeededRandom(seed: UInt64(seed * 31 + damage.rawValue.count))
                try FileManager.default.removeItem(atPath: source + "-lock")
                try Self.damage(whole, damage, &random).write(to: URL(filePath: source))
                let record = try copy(lab, "lmdb://\(source)", number: seed)
                try await expectWholeOrToldSo(record, expected, mayAge: damage == .flippedBits)
                try Data().write(to: URL(filePath: source + "-lock"))
            }
        }
    }

    @Test("A damaged GNU dbm file ends a copy with a sentence and a status", arguments: Damage.allCases)
    func gdbm(_ damage: Damage) async throws {
        try await withLab { lab in
            let (made, source) = (lab.directory.file("a.lmdb"), lab.directory.file("grey"))
            try await StoreFile.write(StoreFile.entries(4_000), at: made)
            try lab.tprtctl(["store", "copy", "lmdb://\(made)", "gdbm://\(source)", "--table", "greylist"]).succeed()
            let whole = try Data(contentsOf: URL(filePath: source))
            let expected = try await StoreFile.read(at: made).asInRedis
            for seed in 0..<8 {
                var random = SeededRandom(seed: UInt64(seed * 37 + damage.rawValue.count))
                try Self.damage(whole, damage, &random).write(to: URL(filePath: source))
                let record = try copy(lab, "gdbm://\(source)", number: seed)
                try await expectWholeOrToldSo(record, expected, mayAge: damage == .flippedBits)
            }
        }
    }

    /// What came of a copy.
    private struct Copy: Sendable {
        let ending: ChildProcess.Ending
        let output: [String]
        let errors: [String]
        let target: String
    }

    private func copy(_ lab: Lab, _ url: String, number: Int) throws -> Copy {
        let target = lab.directory.file("target-\(number).lmdb")
        let tool = try lab.tprtctl(["store", "copy", url, "lmdb://\(target)", "--table", "greylist", "--json"])
        let ending = try tool.waitForEnd()
        return Copy(ending: ending, output: tool.output, errors: tool.errors, target: target)
    }

    /// On success everything is there, else nothing is, and a sentence says why.
    private func expectWholeOrToldSo(_ copy: Copy, _ expected: [Key: Sighting], mayAge: Bool) async throws {
        guard case .exited(let status) = copy.ending else {
            Issue.record("\(copy.ending) \(copy.errors)")
            return
        }
        if status == 0 {
            // Nothing tells a bit that was flipped in a time, which may make the entry an expired one.
            #expect(copy.errors.isEmpty)
            let lost = expected.count - (try await StoreFile.read(at: copy.target).count)
            #expect(mayAge ? (0...40).contains(lost) : lost == 0)
        } else {
            #expect(status == 65, "\(copy.errors)")
            #expect(copy.errors.last?.hasPrefix("tprtctl: ") == true, "\(copy.errors)")
            #expect(copy.output.count == 1 && copy.output[0].hasSuffix("\"status\": 65}"), "\(copy.output)")
            #expect(!FileManager.default.fileExists(atPath: copy.target))
        }
    }

    @Test("--salvage copies what can be read of a GNU dbm file, and says that it isn't all")
    func salvage() async throws {
        try await withLab { lab in
            let (made, source, target) = (
                lab.directory.file("a.lmdb"), lab.directory.file("grey"), lab.directory.file("b.lmdb")
            )
            try await StoreFile.write(StoreFile.entries(4_000), at: made)
            try lab.tprtctl(["store", "copy", "lmdb://\(made)", "gdbm://\(source)", "--table", "greylist"]).succeed()
            var bytes = try Data(contentsOf: URL(filePath: source))
            bytes.replaceSubrange(bytes.count / 2..<bytes.count / 2 + 8_192, with: Data(count: 8_192))
            try bytes.write(to: URL(filePath: source))
            let arguments = ["store", "copy", "gdbm://\(source)", "lmdb://\(target)", "--table", "greylist"]
            let refused = try lab.tprtctl(arguments)
            #expect(try refused.waitForEnd() == .exited(65))
            #expect(refused.errors.first?.contains("damaged: ") == true)
            #expect(refused.errors.first?.contains("--salvage") == true)
            #expect(!FileManager.default.fileExists(atPath: target))
            let salvaged = try lab.tprtctl(arguments + ["--salvage"])
            #expect(try salvaged.waitForEnd() == .exited(65))
            #expect(salvaged.errors.last?.hasSuffix("the copy is not complete") == true)
            let count = try await StoreFile.read(at: target).count
            #expect(2_000 < count && count < 4_000)
        }
    }

    @Test("A file that is truncated while it is read ends the copy with a sentence and a status")
    func truncatedWhileRead() async throws {
        try await withLab { lab in
            let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            try await StoreFile.write(StoreFile.entries(100_000), at: source)
            let tool = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "lmdb://\(target)"])
            try eventually("entries are copied") { FileManager.default.fileExists(atPath: target) ? () : nil }
            truncate(source, 0)
            let ending = try tool.waitForEnd()
            #expect(ending == .exited(65), "\(tool.errors)")
            #expect(tool.errors.last?.contains("lmdb://\(source)") == true)
        }
    }

    @Test("A target that was removed after an interruption gets everything", arguments: ["removed", "emptied"])
    func targetIsGone(_ kind: String) async throws {
        try await withLab { lab in
            let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            try await StoreFile.write(StoreFile.entries(100_000), at: source)
            let arguments = ["store", "copy", "lmdb://\(source)", "lmdb://\(target)", "--json"]
            try interrupt(lab, arguments)
            for name in [target, target + "-lock"] {
                if kind == "removed" { unlink(name) } else { truncate(name, 0) }
            }
            let second = try lab.tprtctl(arguments)
            #expect(try second.succeed().contains(#""read": 100000, "copied": 100000"#))
            #expect((1...2).contains(second.errors.count), "\(second.errors)")
            #expect(try await StoreFile.read(at: target).count == 100_000)
        }
    }

    @Test("A Redis that was emptied, or is another one, gets everything", arguments: ["emptied", "another"])
    func redisIsEmptied(_ kind: String) async throws {
        try await withLab { lab in
            try await withServer(.plain) { server in
                let source = lab.directory.file("a.lmdb")
                try await StoreFile.write(StoreFile.entries(100_000), at: source)
                let arguments = [
                    "store", "copy", "lmdb://\(source)", "redis://127.0.0.1:\(server.port)", "--table", "greylist",
                    "--json",
                ]
                try interrupt(lab, arguments)
                _ = try await server.command(kind == "emptied" ? "FLUSHALL" : "FLUSHDB")
                let second = try lab.tprtctl(arguments)
                #expect(try second.succeed().contains(#""read": 100000, "copied": 100000"#))
                #expect(second.errors.contains { $0.contains("were missing in the target") }, "\(second.errors)")
                #expect(try await server.command("DBSIZE").hasPrefix("100000"))
            }
        }
    }

    @Test("A source that was replaced after an interruption is copied from its beginning")
    func sourceIsReplaced() async throws {
        try await withLab { lab in
            let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            try await StoreFile.write(StoreFile.entries(100_000), at: source)
            let arguments = ["store", "copy", "lmdb://\(source)", "lmdb://\(target)", "--json"]
            try interrupt(lab, arguments)
            for name in [source, source + "-lock"] { unlink(name) }
            let now = StoreFile.now()
            let others = (0..<50_000).map { number in
                Entry(
                    key: Key(Array("198.51.100.0/24/\(number)".utf8).span, isHashed: true),
                    sighting: Sighting(firstAt: Timestamp(seconds: now.seconds - 60)))
            }
            try await StoreFile.write(others, at: source)
            let second = try lab.tprtctl(arguments)
            #expect(try second.succeed().contains(#""read": 50000, "copied": 50000"#))
            let found = try await StoreFile.read(at: target)
            #expect(others.allSatisfy { found[$0.key] != nil })
        }
    }

    private func interrupt(_ lab: Lab, _ arguments: [String]) throws {
        let state = lab.directory.file("state")
        let first = try lab.tprtctl(arguments)
        try eventually("its place is kept") {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? []
            return names.contains { $0.hasPrefix("copy-") && !$0.hasSuffix(".new") } ? () : nil
        }
        try first.process.signal(SIGINT)
        #expect(try first.waitForEnd() == .exited(130))
    }
}
