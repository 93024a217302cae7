import Foundation
import TestSupport
import Testing

/// Processes that tests start: what they get, how they end, and that none of them stays.
@Suite("Children of tests", .timeLimit(.minutes(5)))
struct ChildProcessTests {
    private func isThere(_ id: Int32) -> Bool { FileManager.default.fileExists(atPath: "/proc/\(id)") }

    @Test("Its end is told, by itself or by a signal; afterwards no signal goes to its id")
    func ends() async throws {
        let exiting = try await ChildProcess.start(["sh", "-c", "exit 7"])
        #expect(try await exiting.wait() == .exited(7))
        #expect(exiting.poll() == .exited(7))
        let sleeping = try await ChildProcess.start(["sleep", "600"])
        #expect(sleeping.poll() == nil)
        try sleeping.signal(SIGUSR1)
        #expect(try await sleeping.wait() == .killed(by: SIGUSR1))
        try sleeping.signal(SIGKILL)
        #expect(!isThere(sleeping.id))
    }

    @Test("It ends though it is stopped, or doesn't heed SIGTERM, and with the last reference")
    func isEnded() async throws {
        let stopped = try await ChildProcess.start(["sleep", "600"])
        try stopped.signal(SIGSTOP)
        await stopped.terminate()
        #expect(stopped.poll() == .killed(by: SIGTERM))
        let deaf = try await ChildProcess.start(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
        await deaf.end()
        #expect(deaf.poll() == .killed(by: SIGKILL))
        let forgotten = try await ChildProcess.start(["sleep", "600"]).id
        try await waitUntil("it is collected") { !isThere(forgotten) }
    }

    @Test("A task that is cancelled while it waits leaves nothing")
    func cancelled() async throws {
        let id = Locked<Int32>(0)
        let task = Task {
            let process = try await ChildProcess.start(["sleep", "600"])
            id.withLock { $0 = process.id }
            try await process.wait()
        }
        try await waitUntil("it runs") { id.withLock { $0 } != 0 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await waitUntil("it is collected") { !isThere(id.withLock { $0 }) }
    }

    @Test("What a command prints is told apart; a command that fails, isn't there or takes too long is an error")
    func commands() async throws {
        let result = try await CommandResult(
            of: ["sh", "-c", "echo $WORD; echo no >&2; exit 3"], variables: ["WORD": "yes"], within: .seconds(60))
        #expect(result.ending == .exited(3) && result.output == "yes\n" && result.errors == "no\n")
        #expect(try await run(["echo", "a b"]) == "a b\n")
        let error = await #expect(throws: TestError.self) { try await run(["sh", "-c", "echo why; exit 1"]) }
        #expect(error?.description.contains("why") == true)
        await #expect(throws: TestError.self) { try await run(["/nonexistent"]) }
        await #expect(throws: TestError.self) { try await run(["sleep", "600"], within: .milliseconds(20)) }
    }

    /// Such a descriptor keeps a pipe of another test open, whose reader then waits for its end in vain.
    @Test("A program inherits none of our descriptors, and no signal that is held back or ignored")
    func inheritsNothing() async throws {
        let pipe = Pipe()
        let ours = [pipe.fileHandleForReading, pipe.fileHandleForWriting].map { String($0.fileDescriptor) }
        #expect(ours.allSatisfy { fcntl(Int32($0) ?? -1, F_GETFD) == 0 }, "Foundation's pipes close on exec by now")
        let theirs = try await run(["sh", "-c", "cd /proc/self/fd && echo *"]).split(whereSeparator: \.isWhitespace)
        #expect(Set(theirs).isSubset(of: ["0", "1", "2", "3"]))
        #expect(Set(ours.map { Substring($0) }).subtracting(["3"]).isDisjoint(with: theirs))
        let signals = try await run(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])
        // But for the two that glibc keeps for itself.
        let masks = signals.replacing("180000000\n", with: "000000000\n").matches(of: /:\t0{16}\n/)
        #expect(masks.count == 2, "\(signals)")
    }

    @Test("Who blocks while it waits needs no thread of Swift's pool, though all of them are taken")
    func blocks() async throws {
        func answer(_ number: Int) throws -> Bool { try run(["echo", "\(number)"]) == "\(number)\n" }
        let count = 4 * ProcessInfo.processInfo.activeProcessorCount
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<count {
                group.addTask { try answer(number) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: true, count: count))
    }
}
