import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("A restart while the sockets are held", .blocking)
struct RestartTests {
    @Test("Costs no mail an error: whoever asks meanwhile waits, and is answered", arguments: [true, false])
    func costsNothing(unix: Bool) throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(
                .init(policy: unix ? .socketInQueue : .port(Ports.free()), timeout: 60))
            let socket = try HeldSocket(at: postfix.policyEndpoint)
            func start() throws -> Daemon {
                let daemon = try lab.launch(
                    lab.arguments(at: lab.unixEndpoint, delay: 300) + ["-i", "server.threads=2"],
                    listeningAt: [socket.endpoint], sockets: [socket])
                try daemon.waitUntilReady()
                return daemon
            }
            var daemon = try start()
            let senders = Senders(8, to: postfix.port)
            for _ in 0..<3 {
                try senders.waitForAll()
                #expect(try daemon.terminate() == .exited(0))
                // Between the two: it can't be answered now.
                let session = try postfix.session()
                try session.begin(from: "between@sender.example", to: "user@test.invalid")
                // Longer than Postfix tries to reach a server that isn't there.
                Thread.sleep(forTimeInterval: 3)
                daemon = try start()
                #expect(try session.answer().isGreylisting)
                try session.quit()
            }
            try senders.waitForAll()
            try senders.stop()
            #expect(senders.faults.isEmpty)
            #expect(senders.answers.count >= 8 * 8)
            #expect(senders.answers.filter { !$0.isGreylisting }.map(\.description) == [])
            try postfix.stop()
            #expect(postfix.log.filter { $0.contains(" 451 ") || $0.contains("4.3.5") } == [])
        }
    }
}

/// Mail servers that go on sending, each in a session of its own, until they are told to stop.
private final class Senders: Sendable {
    private struct State {
        var answers: [SMTPClient.Answer] = []
        var faults: [String] = []
        /// How many answers each sender has had.
        var counts: [Int]
        var running: Int
        var mayGoOn = true
    }

    private let state: Mutex<State>

    init(_ count: Int, to port: UInt16) {
        state = Mutex(State(counts: Array(repeating: 0, count: count), running: count))
        for number in 0..<count { Thread.detachNewThread { self.send(number, to: port) } }
    }

    var answers: [SMTPClient.Answer] { state.withLock { $0.answers } }
    var faults: [String] { state.withLock { $0.faults } }

    /// Waits until each sender has had two answers more: the first may have been on its way already.
    func waitForAll() throws {
        let before = state.withLock { $0.counts }
        try eventually("every sender is answered") {
            state.withLock { state in
                !state.faults.isEmpty || zip(state.counts, before).allSatisfy { $0 >= $1 + 2 } ? () : nil
            }
        }
    }

    func stop() throws {
        state.withLock { $0.mayGoOn = false }
        try eventually("the senders end") { state.withLock { $0.running == 0 ? () : nil } }
    }

    private func send(_ number: Int, to port: UInt16) {
        do {
            let session = try SMTPClient(port: port, as: .init())
            while state.withLock({ $0.mayGoOn }) {
                let answer = try session.envelope(from: "s\(number)@sender.example", to: ["user@test.invalid"])[0]
                try session.reset()
                state.withLock { state in
                    state.answers.append(answer)
                    state.counts[number] += 1
                }
            }
        } catch {
            state.withLock { $0.faults.append("\(error)") }
        }
        state.withLock { $0.running -= 1 }
    }
}
