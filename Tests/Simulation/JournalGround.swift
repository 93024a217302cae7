import Foundation
import Greylist
import NIOCore
import Storage
import TestSupport

@testable import FileStorage
@testable import LMDBStore

/// One daemon with LMDB behind its journal, which lies on a simulated disk.
///
/// The store is the real one, and its threads are turns of the world. The tree is a real file in memory: of LMDB itself is taken
/// what it promises, that a commit is there or not.
final class JournalGround: Ground, @unchecked Sendable {  // guarded by: the thread of its world
    /// How long the thread that writes the tree takes, in microseconds.
    fileprivate static let writing: ClosedRange<Int64> = 1_000...150_000

    private let world: World
    private let conditions: Conditions
    private let directory: TemporaryDirectory
    private let disk: SimulatedDisk
    private let promises: StoreLedger
    private var number = 0
    private var current: LMDBStore?
    /// How long it takes until the storage thread takes up what came, in microseconds.
    private var latency: ClosedRange<Int64> = 50...3_000
    /// Whether the machine has lost its power, and the daemon is to be started again.
    private var isDead = false
    /// Has the daemon killed.
    var kill: () -> Void = {}

    let daemons = 1
    let loops = 3
    let promisesAliases = true

    init(in world: World, under conditions: Conditions, _ promises: StoreLedger) throws {
        (self.world, self.conditions, self.promises) = (world, conditions, promises)
        let memory = "/dev/shm"
        directory = try TemporaryDirectory(in: FileManager.default.isWritableFile(atPath: memory) ? memory : "/tmp")
        disk = SimulatedDisk(in: world)
        disk.stop = { [unowned self] in losePower() }
    }

    /// The tree of the daemon that was started last.
    private var path: String { directory.file("\(number).lmdb") }

    func open(_ daemon: Daemon, loops: Int) throws -> Opening {
        let store = try openUntilAlive(at: daemon.clock)
        current = store
        check(store, at: daemon.clock)
        return Opening(stores: Array(repeating: store, count: loops), rest: store) { [weak self] in self?.loseProcess()
        }
    }

    /// Opens it, again and again where the power goes meanwhile.
    private func openUntilAlive(at now: Timestamp) throws -> LMDBStore {
        while true {
            isDead = false
            do {
                let store = try open(at: now)
                if !isDead { return store }
            } catch {
                if !isDead { throw error }
            }
        }
    }

    private func open(at now: Timestamp) throws -> LMDBStore {
        let report: @Sendable (String) -> Void = { [world] text in world.note([.everything], text) }
        let environment = try Environment(path: path, mapSize: 1 << 26, at: now, report: report)
        let thread = StorageThread { [unowned self] body in world.after(microseconds: world.draw(latency)) { body() } }
        let writer = Writer(in: world)
        return try LMDBStore(
            environment, syncInterval: conditions.syncInterval.map { .milliseconds($0) }, thread: thread,
            files: disk.calls, startWriters: { writer.thread }, report: report)
    }

    func end() { directory.remove() }

    // MARK: What goes wrong

    var faults: [Fault] {
        [
            Fault("the disk is full") {
                self.disk.isFull = true
            } end: {
                self.disk.isFull = false
            },
            Fault("the disk fails to sync") {
                self.disk.failingSyncs = 300
            } end: {
                self.disk.failingSyncs = 0
            },
            Fault("the disk hangs") {
                self.latency = 50...2_500_000
            } end: {
                self.latency = 50...3_000
            },
            Fault("the power goes in the middle of a call") {
                self.disk.callsUntilPowerCut = self.world.number(in: 0...40)
            } end: {
                self.disk.callsUntilPowerCut = nil
            },
            Fault("the power goes") {
                self.losePower()
            } end: {
            },
        ]
    }

    /// What was promised within the interval, and a little more for the writing, may be gone.
    private func losePower() {
        guard !isDead else { return }
        let wasServing = current != nil
        world.note([.everything], "the power goes")
        leave()
        disk.losePower()
        if let interval = conditions.syncInterval {
            let writing = 2 * (Self.writing.upperBound + latency.upperBound) / 1_000
            promises.forget(since: world.now - interval - writing - 1_000)
        }
        // The daemon may be in the middle of a call: nothing that it makes of it is heard of.
        if wasServing { kill() }
    }

    /// The daemon was killed.
    private func loseProcess() {
        guard !isDead else { return }
        leave()
        disk.loseProcess()
    }

    /// Goes on with a copy of the tree, as it was committed: what the process that ends does to its own is of no account.
    private func leave() {
        isDead = true
        let former = path
        number += 1
        try? FileManager.default.copyItem(atPath: former, toPath: path)
        try? FileManager.default.copyItem(atPath: former + "-open", toPath: path + "-open")
        disk.follow(former, to: path)
        current = nil
        for suffix in ["", "-lock", "-open"] { try? FileManager.default.removeItem(atPath: former + suffix) }
    }

    /// Looks whether all is there that was promised.
    private func check(_ store: LMDBStore, at now: Timestamp) {
        let promised = promises.all.filter { promises.holds($0.promise, at: now.seconds + 60) }
        guard !promised.isEmpty else { return }
        let moment = promises.answers
        world.run { [world, promises] in
            guard let found = try? await store.find(promised.map(\.key), in: .greylist) else { return }
            for (promise, sighting) in zip(promised, found) where promises.isStanding(promise.key, since: moment) {
                let isThere = sighting.map { promise.promise.isKept(by: $0) } ?? false
                if !isThere {
                    world.fail(
                        "after a start an answered record is lost: answered at \(Trace.clock(promise.promise.time))"
                            + (promise.promise.hasPassed ? ", has passed" : "")
                            + ", found \(sighting.map { "\($0)" } ?? "nothing")", about: [.key(promise.key.tag)])
                }
            }
        }
    }
}

/// What takes the place of the thread that writes the tree.
private final class Writer: @unchecked Sendable {  // guarded by: the thread of its world
    private let world: World
    private var waiting: [WriterThread.Task] = []

    init(in world: World) { self.world = world }

    private func runAll() {
        while !waiting.isEmpty { waiting.removeFirst()() }
    }

    var thread: WriterThread {
        WriterThread { [self] task in
            waiting.append(task)
            world.after(microseconds: world.draw(JournalGround.writing)) { [self] in
                // Unless somebody has waited for it.
                if !waiting.isEmpty { waiting.removeFirst()() }
            }
        } schedule: { [world] time, task in
            world.quietly(after: time.nanoseconds / 1_000_000) { task() }
        } wait: { [self] in
            runAll()
        } shutDown: {
        }
    }
}
