import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import GDBMStore

/// TPRT 0.9.3 and ours in turn on one file.
struct PythonTests {
    static let triplet = "192.0.2.0/24/a@example.org/b@example.com"

    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    @Test(arguments: [false, true])
    func itsFilesAreRead(_ isHashed: Bool) async throws {
        let script = """
            import hashlib
            def key(text):
                return hashlib.sha1(text.encode()).hexdigest() if args[1] == 'true' else text
            d = dbm.gnu.open(args[0], 'c')
            for n in range(3000):
                d[key('192.0.2.0/24/a@example.org/%d' % n)] = '%d,%d' % (n % 3, 1000 + n % 7)
            d.close()
            """
        #expect(try Python.run(script, stage.path, "\(isHashed)").ending == .exited(0))
        let store = try stage.open()
        for number in 0..<3_000 {
            let early = Int64(number % 7)
            let text = "192.0.2.0/24/a@example.org/\(number)"
            func ask(_ time: Int64) async throws -> Verdict? { try await store.ask(text, isHashed: isHashed, at: time) }
            if number % 3 == 0 {
                #expect(try await ask(1_100) == .early(wait: 200 + early, delay: 100 - early))
                #expect(try await ask(1_400) == .retried(delay: 400 - early))
            } else {
                #expect(try await ask(1_400) == .known)
            }
        }
        #expect(try await store.everything(in: .greylist).count == 3_000)
        await store.close()
        #expect(stage.reports.all.isEmpty)
    }

    @Test(arguments: [false, true])
    func itReadsOurs(_ isHashed: Bool) async throws {
        let store = try stage.open()
        for time: Int64 in [1_000, 1_400, 95_901] {
            _ = try await store.ask(Self.triplet, isHashed: isHashed, at: time)
        }
        await store.close()
        let listing = "d = dbm.gnu.open(args[0])\nfor k in d.keys(): print(k.decode(), d[k].decode())"
        let digest = "import hashlib; print(hashlib.sha1(args[0].encode()).hexdigest(), end='')"
        let key = isHashed ? try Python.run(digest, Self.triplet).output : Self.triplet
        #expect(try Python.run(listing, stage.path).output == "\(key) 2,95901\n")
    }

    @Test func theyWriteInTurn() async throws {
        let add = """
            d = dbm.gnu.open(args[0], 'c')
            for n in range(int(args[1]), int(args[1]) + 500): d['python %d' % n] = '0,1000'
            for k in d.keys():
                if k.startswith(b'ours'): d[k] = '1,2000'
            d.close()
            """
        for round in 0..<4 {
            let store = try stage.open()
            for number in 0..<500 { _ = try await store.ask("ours \(round) \(number)", isHashed: false, at: 1_000) }
            #expect(try await store.everything(in: .greylist).count == round * 1_000 + 500)
            await store.close()
            #expect(try Python.run(add, stage.path, "\(round * 500)").ending == .exited(0))
        }
        let store = try stage.open()
        let entries = try await store.everything(in: .greylist)
        #expect(entries.count == 4_000)
        #expect(entries.count { $0.sighting.passes == 1 } == 2_000)
        await store.close()
        #expect(stage.reports.all.isEmpty)
    }

    /// It leaves no mark of ours, and now and then a file that GNU dbm itself refuses.
    @Test(arguments: 0..<6)
    func itsFilesAreReadAfterItWasKilled(_ round: Int) async throws {
        let script = """
            import os, random, threading
            d = dbm.gnu.open(args[0], 'c')
            is_due = threading.Event()
            def end():
                is_due.wait()
                os.kill(os.getpid(), 9)
            threading.Thread(target=end).start()
            last = random.randint(200, 20000)
            n = 0
            while True:
                d['key %d' % n] = '1,1000'
                n += 1
                if n % 100 == 0: print(n, flush=True)
                if n == last: is_due.set()
            """
        let written = try Python.run(script, stage.path)
        #expect(written.ending == .killed(by: SIGKILL))
        let count = try #require(written.output.split(separator: "\n").last.flatMap { Int($0) })
        let store = try stage.open()
        let answered = try await store.answer(
            (0..<count).map { StoreContract.query("key \($0)", isHashed: false, at: 1_400) })
        #expect(answered.count { $0.judgement?.verdict == .known } == count)
        try await stage.fill(store, 0..<5_000)
        #expect(try await stage.known(to: store, 0..<5_000) == 5_000)
        await store.close()
        #expect(stage.reports.all.count <= 1)
    }

    @Test func whileItHasTheFileWeAreRefused() async throws {
        let other = try Python.Waiting("d = dbm.gnu.open(args[0], 'c'); d['a'] = '1,1000'", stage.path)
        let error = #expect(throws: StoreError.self) { try stage.open() }
        #expect(error?.code == .inUse)
        let words = try #require(
            error?.description.wholeMatch(of: /gdbm:(.+): already in use by process [0-9]+ \((.+)\)/))
        #expect(words.1 == "//\(stage.path)")
        #expect(words.2.hasPrefix("python3"))
        #expect(stage.directory.names == ["grey"])
        try other.end()
        await (try stage.open()).close()
    }

    @Test func whileWeHaveTheFileItIsRefused() async throws {
        let store = try stage.open()
        for mode in ["c", "r", "n"] {
            #expect(try Python.run("dbm.gnu.open(args[0], '\(mode)')", stage.path).ending == .exited(1))
        }
        let second = #expect(throws: StoreError.self) { try stage.open() }
        #expect(second?.code == .inUse)
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
        #expect(try Python.run("dbm.gnu.open(args[0], 'c')", stage.path).ending == .exited(0))
    }
}
