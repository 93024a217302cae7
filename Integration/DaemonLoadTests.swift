import Foundation
import LogOutput
import TestSupport
import Testing

/// What many clients, or few resources, do to the daemon.
///
/// One test at a time, since each takes the whole machine.
@Suite("Under load", .blocking, .serialized)
struct DaemonLoadTests {
    @Test("2,000 connections at once are all answered", arguments: ["unix", "inet"])
    func manyConnections(_ family: String) throws {
        let threads = 20
        let each = 100
        try allowOpenFiles(threads * each + 200)
        try withLab { lab in
            let endpoint = family == "unix" ? lab.unixEndpoint : .inet(try Ports.free())
            let daemon = try lab.start(at: endpoint)
            let connected = Counter()
            let greylisted = try onThreads(threads) { thread in
                let clients = try (0..<each).map { number in
                    (number: thread * each + number, client: try PolicyClient(to: endpoint))
                }
                _ = connected.increment()
                try eventually("all are connected") { connected.value == threads ? () : nil }
                for (number, client) in clients {
                    try client.send(.numbered(number))
                }
                var greylisted = 0
                for (_, client) in clients {
                    if try client.reply()?.isGreylisted == true {
                        greylisted += 1
                    }
                }
                // And once more on the same connections.
                for (number, client) in clients {
                    if try client.ask(.numbered(number)).isGreylisted {
                        greylisted += 1
                    }
                }
                return greylisted
            }
            #expect(greylisted.reduce(0, +) == 2 * threads * each)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Without file descriptors new connections wait; it neither spins nor fails")
    func fewDescriptors() throws {
        let limit = 64
        try withLab { lab in
            let daemon = try lab.start(extra: ["-i", "server.listen_queue_size=:int:512"], openFiles: limit)
            let clients = try (0..<200).map { _ in try daemon.client(timeout: 2) }
            for (number, client) in clients.enumerated() {
                try client.send(.numbered(number))
            }
            var answered = 0
            while answered < clients.count, let reply = try clients[answered].reply() {
                #expect(reply.isGreylisted)
                answered += 1
            }
            #expect(answered > 0)
            #expect(answered < limit)

            let begin = try daemon.process.processorTime()
            Thread.sleep(forTimeInterval: 2)
            #expect(try daemon.process.processorTime() - begin < 0.4)

            for client in clients[..<answered] {
                client.close()
            }
            for client in clients[answered...] {
                client.socket.setTimeout(patience)
                #expect(try client.reply()?.isGreylisted == true)
                client.close()
            }
            #expect(try daemon.ask(.numbered(clients.count)).isGreylisted)
            // It has said that something is wrong, but not once for each connection.
            #expect(daemon.lines.count - daemon.decisions.count < 30)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Nobody reads its log: every request is answered, and the lines lost are counted")
    func stuckLog() throws {
        let threads = 8
        let each = 8_000
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let endpoint = lab.unixEndpoint
            let daemon = try lab.launch(
                lab.arguments(at: endpoint, delay: 300, whitelist: whitelist), listeningAt: [endpoint], reads: false)
            try daemon.waitUntilReachable()
            let passed = try onThreads(threads) { thread in
                let client = try PolicyClient(to: endpoint)
                let request = PolicyRequest(clientAddress: "192.0.2.9", sender: "a\(thread)@sender.example")
                var passed = 0
                for _ in 0..<each where try client.ask(request).passes {
                    passed += 1
                }
                return passed
            }
            #expect(passed.reduce(0, +) == threads * each)

            daemon.startReading()
            let pattern = /(\d+) .*\b(lost|dropped)\b|\b(lost|dropped)\b \D*(\d+)/
            // There may be several such lines: one whenever there was room again.
            let lost = try eventually("lines that tell how many lines were lost") {
                let lost = daemon.lines.compactMap { line -> Int? in
                    guard line.contains("lost") || line.contains("dropped"), DecisionLine(line) == nil,
                        let match = line.firstMatch(of: pattern)
                    else { return nil }
                    return (match.1 ?? match.4).flatMap { Int($0) }
                }.reduce(0, +)
                return daemon.decisions.count + lost >= threads * each ? lost : nil
            }
            #expect(lost > 0)
            #expect(try daemon.terminate() == .exited(0))
            // No line is missing that isn't accounted for; a few others than decisions may be among the lost.
            let accounted = daemon.decisions.count + lost
            #expect((threads * each...threads * each + 100).contains(accounted), "\(daemon.decisions.count) + \(lost)")
        }
    }

    @Test("kill -9 under load loses nothing that was answered")
    func killed() throws {
        let delay = 300
        let threads = 8
        try withLab { lab in
            let endpoint = lab.unixEndpoint
            var answered: [Int] = []
            for round in 0..<3 {
                let victim = try lab.start(at: endpoint, delay: delay)
                let count = Counter()
                let process = victim.process.id
                let numbers = try onThreads(threads) { thread in
                    let client = try PolicyClient(to: endpoint)
                    var answered: [Int] = []
                    for index in 0... {
                        let number = round << 20 | index * threads + thread
                        guard let reply = try? client.ask(.numbered(number)) else { break }
                        guard reply.isGreylisted else { throw TestError("\(number): \(reply)") }
                        answered.append(number)
                        // It can't be anybody else's number by then: the process is waited for below.
                        if count.increment() == 400 {
                            kill(process, SIGKILL)
                        }
                    }
                    return answered
                }
                answered += numbers.flatMap { $0 }
                _ = try victim.waitForEnd()
            }
            // From here on whoever is known has waited for a second at least.
            Thread.sleep(forTimeInterval: 1.1)
            let daemon = try lab.start(at: endpoint, delay: delay)
            let client = try daemon.client()
            var lost: [Int] = []
            for number in answered {
                let reply = try client.ask(.numbered(number))
                guard reply.isGreylisted, let seconds = reply.seconds else { throw TestError("\(reply)") }
                if seconds >= delay {
                    lost.append(number)
                }
            }
            #expect(lost.isEmpty, "\(lost.count) of \(answered.count) answered were lost")
            #expect(answered.count >= 3 * 400)
            let decisions = try eventually("all decisions are logged") {
                daemon.decisions.count >= answered.count ? daemon.decisions : nil
            }
            #expect(decisions.allSatisfy { $0.isEarlyRetry })
        }
    }
}

/// Raises the soft limit of open files of the tests, and of what they start, to at least `count`.
private func allowOpenFiles(_ count: Int) throws {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { throw TestError.system("getrlimit") }
    guard limit.rlim_cur < rlim_t(count) else { return }
    guard limit.rlim_max >= rlim_t(count) else {
        throw TestError("this test needs \(count) open files: raise the hard limit (ulimit -Hn)")
    }
    limit.rlim_cur = rlim_t(count)
    guard setrlimit(resource, &limit) == 0 else { throw TestError.system("setrlimit") }
}
