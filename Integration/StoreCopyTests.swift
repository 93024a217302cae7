import Foundation
import Greylist
import Storage
import TestSupport
import Testing

import struct RedisLab.RedisOptions
import class RedisLab.RedisServer
import func RedisLab.withServer

/// `tprtctl store copy`, the real program.
@Suite("Copying stores", .blocking)
struct StoreCopyTests {
    @Test("From LMDB to Redis and back, everything arrives; once more changes nothing")
    func thereAndBack() async throws {
        try await withLab { lab in
            try await withServer { server in
                let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
                try await StoreFile.write(StoreFile.entries(5_000), at: source)
                try await StoreFile.write(StoreFile.entries(70), into: .autoWhitelist, at: source)
                let redis = "redis://127.0.0.1:\(server.port)/2"
                for _ in 1...2 {
                    let there = try lab.tprtctl(["store", "copy", "lmdb://\(source)", redis, "--to-key-prefix", "t:"])
                    let report = try there.succeed()
                    #expect(there.errors.isEmpty)
                    #expect(report.contains("greylist        5,000   5,000        0"))
                    #expect(report.contains("auto-whitelist     70      70        0"))
                    let back = try lab.tprtctl([
                        "store", "copy", redis, "lmdb://\(target)", "--from-key-prefix", "t:",
                    ])
                    try back.succeed()
                    for table in Table.allCases {
                        let expected = try await StoreFile.read(table, at: source).asInRedis
                        #expect(try await StoreFile.read(table, at: target).asInRedis == expected)
                    }
                    #expect(try await StoreFile.read(at: target).count == 5_000)
                }
                #expect(lab.directory.names(beginningWith: "copy-").isEmpty)
            }
        }
    }

    @Test("A Redis without a prefix is read as one table, and that is said")
    func unmarked() async throws {
        try await withLab { lab in
            try await withServer { server in
                let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
                try await StoreFile.write(StoreFile.entries(10), at: source)
                let redis = "redis://127.0.0.1:\(server.port)"
                try lab.tprtctl(["store", "copy", "lmdb://\(source)", redis]).succeed()
                let back = try lab.tprtctl(["store", "copy", redis, "lmdb://\(target)"])
                try back.succeed()
                #expect(
                    back.errors == [
                        "tprtctl: \(redis)/0 doesn't say what its entries are: taken for the greylist (see --table)"
                    ])
                let other = try lab.tprtctl(["store", "copy", redis, "lmdb://\(target)", "--table", "auto-whitelist"])
                try other.succeed()
                #expect(other.errors.isEmpty)
                for table in [Table.greylist, .autoWhitelist] {
                    #expect(try await StoreFile.read(table, at: target).count == 10)
                }
            }
        }
    }

    @Test("What is expired stays behind; --dry-run touches nothing; --json says it in an object")
    func expired() async throws {
        try await withLab { lab in
            let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            try await StoreFile.write(StoreFile.entries(100, expired: 30), at: source)
            let arguments = ["store", "copy", "lmdb://\(source)", "lmdb://\(target)", "--json"]
            let names = lab.directory.names(beginningWith: "")
            let dry = try lab.tprtctl(arguments + ["--dry-run"]).succeed()
            #expect(dry.contains(#""dry_run": true"#))
            #expect(dry.contains(#""table": "greylist", "read": 100, "copied": 0, "expired": 30"#))
            #expect(lab.directory.names(beginningWith: "") == names)
            let real = try lab.tprtctl(arguments).succeed()
            #expect(real.contains(#""table": "greylist", "read": 100, "copied": 70, "expired": 30"#))
            #expect(try await StoreFile.read(at: target).count == 70)

            let file = try lab.directory.write(
                "{service: {grey_max_age: \"10000d\", grey_retry_window: \"3650d\"}}", to: "c")
            let wrong = try lab.tprtctl(arguments + ["-c", file])
            #expect(try wrong.waitForEnd() == .exited(78))
            #expect(wrong.errors.allSatisfy { $0.hasPrefix("tprtctl: \(file):1: service.grey_max_age") })
            try lab.directory.write("{service: {grey_max_age: \"3650d\", grey_retry_window: \"3650d\"}}", to: "c")
            let all = try lab.tprtctl(arguments + ["-c", file]).succeed()
            #expect(all.contains(#""read": 100, "copied": 100, "expired": 0"#))
            #expect(try await StoreFile.read(at: target).count == 100)
        }
    }

    @Test("The source may be that of a running daemon, which keeps serving")
    func liveSource() async throws {
        try await withLab { lab in
            let daemon = try lab.start()
            let client = try daemon.client()
            for number in 0..<500 { #expect(try client.ask(.numbered(number)).isGreylisted) }
            let target = lab.directory.file("copy.lmdb")
            // The daemon changes between its two journals by itself.
            let files = { lab.directory.names(beginningWith: "tprt.lmdb").filter { !$0.contains("-journal-") } }
            let before = files()
            for round in 1...3 {
                let copy = try lab.tprtctl(["store", "copy", "lmdb://\(lab.database)", "lmdb://\(target)"])
                while copy.process.poll() == nil {
                    #expect(
                        try client.ask(.numbered(Int.random(in: 0..<1_000_000), series: "live\(round)")).isGreylisted)
                }
                try copy.succeed()
            }
            try lab.tprtctl(["store", "copy", "lmdb://\(lab.database)", "lmdb://\(target)"]).succeed()
            #expect(try await StoreFile.read(at: target) == StoreFile.read(at: lab.database))
            #expect(try await StoreFile.read(at: target).count > 500)
            #expect(files() == before)
            #expect(try daemon.terminate() == .exited(0))
            #expect(!daemon.lines.contains { $0.contains("closed properly") })
        }
    }

    @Test("A reader sees what a writer in another process adds meanwhile, also beyond its map")
    func growingSource() async throws {
        try await withLab { lab in
            let (small, large) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            try await StoreFile.write(StoreFile.entries(10), at: small)
            try await StoreFile.write(StoreFile.entries(60_000), at: large)
            let reader = try SmallReader(path: small)
            #expect(try await reader.count() == 10)
            let writer = try lab.tprtctl(["store", "copy", "lmdb://\(large)", "lmdb://\(small)"])
            var seen = 0
            while writer.process.poll() == nil {
                let count = try await reader.count()
                #expect(count >= seen)
                seen = count
            }
            try writer.succeed()
            #expect(try await reader.count() == 60_000)
            await reader.close()
        }
    }

    @Test("The target of a running daemon is refused, and so is a file that isn't ours")
    func refusals() async throws {
        try await withLab { lab in
            let daemon = try lab.start()
            let source = lab.directory.file("a.lmdb")
            try await StoreFile.write(StoreFile.entries(10), at: source)
            let taken = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "lmdb://\(lab.database)"])
            #expect(try taken.waitForEnd() == .exited(69))
            #expect(
                taken.errors == [
                    "tprtctl: lmdb://\(lab.database): already in use by process \(daemon.process.id) (tprtd): stop tprtd"
                        + " first, or copy to a store that it doesn't use"
                ])
            #expect(try daemon.terminate() == .exited(0))

            let text = try lab.directory.write(String(repeating: "mine ", count: 5_000), to: "text")
            let foreign = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "lmdb://\(text)"])
            #expect(try foreign.waitForEnd() == .exited(69))
            #expect(foreign.errors.count == 1 && foreign.errors[0].contains("move it away first"))
            #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("mine mine"))

            let missing = try lab.tprtctl(["store", "copy", "lmdb://\(source)x", "lmdb://\(source)y"])
            #expect(try missing.waitForEnd() == .exited(66))
            #expect(missing.errors == ["tprtctl: lmdb://\(source)x: file does not exist"])
            #expect(lab.directory.names(beginningWith: "a.lmdby").isEmpty)
            #expect(lab.directory.names(beginningWith: "text") == ["text"])
        }
    }

    @Test("What is interrupted goes on where it was", arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
    func interrupted(_ signal: Int32, _ status: Int32) async throws {
        try await withLab { lab in
            let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            let state = lab.directory.file("state")
            let entries = StoreFile.entries(200_000)
            try await StoreFile.write(entries, at: source)
            let arguments = ["store", "copy", "lmdb://\(source)", "lmdb://\(target)", "--json"]
            let first = try lab.tprtctl(arguments)
            try eventually("its place is kept") { Self.places(in: state).isEmpty ? nil : () }
            try first.process.signal(signal)
            #expect(try first.waitForEnd() == .exited(status))
            #expect(first.output.count == 1 && first.output[0].hasSuffix("\"status\": \(status)}"), "\(first.output)")
            let sentence = try #require(first.errors.first)
            #expect(first.errors.count == 1)
            #expect(sentence.hasPrefix("tprtctl: stopped after "))
            #expect(
                sentence.hasSuffix(
                    " of 200,000 entries; the same command goes on there (--from-start: from the beginning)"))
            // The store that was added to was closed properly.
            #expect(!FileManager.default.fileExists(atPath: target + "-open"))
            let copied = try await StoreFile.read(at: target).count
            #expect(0 < copied && copied < 200_000)
            #expect(sentence.contains("after \(Self.grouped(copied)) of"))

            let second = try lab.tprtctl(arguments)
            let report = try second.succeed()
            #expect(
                second.errors == [
                    "tprtctl: going on after \(Self.grouped(copied)) entries, where the copy was interrupted"
                ])
            #expect(report.contains(#""read": 200000, "copied": 200000"#))
            #expect(Self.places(in: state).isEmpty)
            #expect(try await StoreFile.read(at: target).count == 200_000)

            let third = try lab.tprtctl(arguments)
            #expect(try third.succeed().contains(#""read": 200000, "copied": 200000"#))
            #expect(third.errors.isEmpty)
        }
    }

    @Test("--from-start and a damaged place begin anew")
    func anew() async throws {
        try await withLab { lab in
            let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
            let state = lab.directory.file("state")
            try await StoreFile.write(StoreFile.entries(200_000), at: source)
            let arguments = ["store", "copy", "lmdb://\(source)", "lmdb://\(target)", "--json"]
            func interrupt() throws -> String {
                let tool = try lab.tprtctl(arguments)
                try eventually("its place is kept") { Self.places(in: state).isEmpty ? nil : () }
                try tool.process.signal(SIGINT)
                #expect(try tool.waitForEnd() == .exited(130))
                return state + "/" + (try #require(Self.places(in: state).first))
            }
            _ = try interrupt()
            let fresh = try lab.tprtctl(arguments + ["--from-start"])
            #expect(try fresh.succeed().contains(#""read": 200000, "copied": 200000"#))
            #expect(fresh.errors.isEmpty)

            let place = try interrupt()
            try Data("tprt-copy 1\nnonsense\n".utf8).write(to: URL(fileURLWithPath: place))
            let damaged = try lab.tprtctl(arguments)
            try damaged.succeed()
            #expect(damaged.errors == ["tprtctl: \(place): is damaged; starting from scratch"])
            #expect(Self.places(in: state).isEmpty)
        }
    }

    @Test("A target that goes away in the middle ends the copy, and its place is kept")
    func targetGoesAway() async throws {
        try await withLab { lab in
            try await withServer { server in
                let source = lab.directory.file("a.lmdb")
                let state = lab.directory.file("state")
                try await StoreFile.write(StoreFile.entries(200_000), at: source)
                let copy = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "redis://127.0.0.1:\(server.port)"])
                try eventually("its place is kept") { Self.places(in: state).isEmpty ? nil : () }
                await server.kill()
                #expect(try copy.waitForEnd() == .exited(69))
                let sentence = try #require(copy.errors.first)
                #expect(copy.errors.count == 1)
                #expect(sentence.contains("; stopped after "))
                #expect(
                    sentence.hasSuffix(
                        " of 200,000 entries; the same command goes on there (--from-start: from the beginning)"))
                #expect(Self.places(in: state).count == 1)
            }
        }
    }

    @Test("A store that hangs doesn't keep it from ending")
    func hanging() async throws {
        try await withLab { lab in
            try await withServer { server in
                let source = lab.directory.file("a.lmdb")
                try await StoreFile.write(StoreFile.entries(200_000), at: source)
                let copy = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "redis://127.0.0.1:\(server.port)"])
                try eventually("its place is kept") { Self.places(in: lab.directory.file("state")).isEmpty ? nil : () }
                try await server.pause()
                try copy.process.signal(SIGTERM)
                // On a busy machine it may have given the store up before the signal comes.
                let ending = try copy.waitForEnd()
                #expect(ending == .exited(143) || ending == .exited(69))
                #expect(copy.errors.count == 1 && copy.errors[0].hasPrefix("tprtctl: "))
            }
        }
    }

    @Test("The files of TPRT 0.9.3 go to Redis, also while it has them open")
    func original() async throws {
        try await withLab { lab in
            try await withServer(.plain) { server in
                let file = lab.directory.file("greylistdb")
                let key = String(repeating: "0a", count: 20)
                let script = """
                    import dbm.gnu, sys, time
                    db = dbm.gnu.open(sys.argv[1], "c")
                    db["\(key)"] = "3,%d" % time.time()
                    db["0b" * 20] = "0,1000"
                    db.sync()
                    print("ready", file=sys.stderr, flush=True)
                    time.sleep(600)
                    """
                let said = try LineReader()
                let python = ["/usr/bin/python3", "-c", script, file]
                let holder = try await ChildProcess.start(python, output: said.writeEnd, errors: said.writeEnd)
                defer { holder.end() }
                close(said.writeEnd)
                said.start()
                try eventually("the file is open") { said.lines.contains("ready") ? () : nil }
                let url = "redis://127.0.0.1:\(server.port)"
                let tool = try lab.tprtctl(["store", "copy", "gdbm://\(file)", url])
                #expect(try tool.waitForEnd() == .exited(0), "\(tool.errors)")
                #expect(try await server.command("GET", key).hasPrefix("3,"))
                #expect(try await server.command("DBSIZE").hasPrefix("1"))
            }
        }
    }

    @Test("No password is ever printed or kept")
    func passwords() async throws {
        try await withLab { lab in
            try await withServer(.plain.requirepass("s3cret")) { server in
                let (source, target) = (lab.directory.file("a.lmdb"), lab.directory.file("b.lmdb"))
                try await StoreFile.write(StoreFile.entries(3_000), at: source)
                let place = "127.0.0.1:\(server.port)"
                let good = "redis://:s3cret@\(place)"
                let cases: [([String], Int32)] = [
                    (["lmdb://\(source)", good], 0), ([good, "lmdb://\(target)", "--json"], 0),
                    ([good, good], 64), ([good, "lmdb://\(target)", good], 64),
                    (["redis://:not.s3cret@\(place)", "lmdb://\(target)"], 78),
                    (["lmdb://\(source)", "redis://u:not.s3cret@\(place)"], 78),
                    (["redis://:s3cret@\(place)/x", "lmdb://\(target)"], 64),
                    (["redis://:s3cret@127.0.0.1:1", "lmdb://\(target)"], 69),
                    (["rediz://:s3cret@\(place)", "lmdb://\(target)"], 64), (["--help", good], 0),
                ]
                for (arguments, status) in cases {
                    let tool = try lab.tprtctl(["store", "copy"] + arguments)
                    #expect(try tool.waitForEnd() == .exited(status), "\(arguments) \(tool.errors)")
                    #expect(!(tool.output + tool.errors).contains { $0.contains("s3cret") }, "\(arguments)")
                    if status != 0 {
                        #expect(tool.output.isEmpty)
                        #expect(tool.errors.last?.hasPrefix("tprtctl: ") == true)
                    }
                }
                #expect(try await StoreFile.read(at: target).count == 3_000)
            }
        }
    }

    @Test("It says its version and what it can do")
    func version() throws {
        try withLab { lab in
            #expect(try lab.tprtctl(["--version"]).succeed().hasPrefix("tprtctl 1."))
            for arguments in [["--help"], ["store", "--help"], ["store", "copy", "--help"]] {
                #expect(try lab.tprtctl(arguments).succeed().contains("USAGE: tprtctl"))
            }
            let wrong = try lab.tprtctl(["stroe"])
            #expect(try wrong.waitForEnd() == .exited(64))
            #expect(wrong.errors.count == 1)
        }
    }

    private static func places(in directory: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasPrefix("copy-") && !$0.hasSuffix(".new") }
    }

    private static func grouped(_ number: Int) -> String {
        let formatter = NumberFormatter()
        formatter.numberStyle = .decimal
        formatter.locale = Locale(identifier: "en_US")
        return formatter.string(from: NSNumber(value: number)) ?? ""
    }
}
