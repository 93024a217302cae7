import Foundation
import TestSupport
import Testing

/// What sqlgrey and greylistd, the real ones, have learned: imported, and asked of tprtd one by one.
@Suite("tprtd in the place of sqlgrey and greylistd", .blocking)
struct GreylisterTakeoverTests {
    /// How many triplets wait there, and how many have passed.
    private static let each = 5_000
    private static let clients = 100
    private static let delay = 300
    private static let day = 86_400

    // MARK: What they learn

    /// An address of a network of its own, of each kind that greylisters treat differently.
    private func address(_ number: Int, series: Int) -> String {
        switch number % 10 {
        // sqlgrey keeps the first half of an address that is made of a hardware's, and the whole of any other.
        case 3: "2001:db8:\(String(series << 13 + number, radix: 16)):0:211:22ff:fe33:4455"
        case 7: "2001:db8:\(String(series << 13 + number, radix: 16))::25"
        default: "10.\(series << 5 + number >> 8).\(number & 0xff).9"
        }
    }

    /// The name of a client: sqlgrey takes the network of those that have one, else the address.
    private func name(_ number: Int) -> String { number.isMultiple(of: 3) ? "unknown" : "mail.host\(number).example" }

    /// A triplet that hasn't passed, of a client of its own; every ninth is a bounce.
    private func pending(_ number: Int) -> PolicyRequest {
        PolicyRequest(
            clientAddress: address(number, series: 0), clientName: name(number),
            sender: number.isMultiple(of: 9) ? "" : "S\(number)@sender.example", recipient: "r\(number)@test.invalid",
            instance: "\(number)")
    }

    /// How many seconds before the import the first attempt of a pending triplet is made to be: each has its own.
    private func age(_ number: Int) -> Int { 60 + number }

    /// A triplet that has passed; five of them have the same client, and come from as many domains.
    private func passed(_ number: Int) -> PolicyRequest {
        PolicyRequest(
            clientAddress: address(number / 5, series: 1), clientName: name(number / 5),
            sender: "s\(number)@sender\(number % 5).example", recipient: "p\(number)@test.invalid",
            instance: "\(number)")
    }

    /// A message of a client that gets onto a list; the last one has passed four times, once less than it takes here.
    private func client(_ number: Int, _ message: Int, domain: Int = 0) -> PolicyRequest {
        PolicyRequest(
            clientAddress: address(number, series: 2), clientName: name(number),
            sender: "m\(message)@domain\(domain).example", recipient: "c\(number)@test.invalid")
    }

    // MARK: What tprtd says

    /// Asks about many requests over four connections; returns how many replies aren't as expected.
    private func unexpected(
        _ requests: [PolicyRequest], at endpoint: Endpoint, _ isExpected: @escaping @Sendable (PolicyReply) -> Bool
    ) throws -> Int {
        let connections = 4
        return try onThreads(connections) { index in
            let connection = try PolicyClient(to: endpoint)
            return try stride(from: index, to: requests.count, by: connections).count(where: {
                !isExpected(try connection.ask(requests[$0]))
            })
        }.reduce(0, +)
    }

    /// Each pending triplet goes on where it was at `start`: one that is too early waits for the rest of its delay.
    private func expectPending(_ daemon: Daemon, since start: Int) throws {
        let connection = try daemon.client()
        var (early, wrong) = (0, [String]())
        for number in 0..<Self.each {
            let reply = try connection.ask(pending(number))
            // A second more, since clocks are cut to seconds.
            let waited = age(number)...age(number) + ForeignDatabase.now() - start + 1
            // The text says how long is left, the header how long it took from the first attempt on.
            let seconds = reply.isGreylisted ? reply.seconds.map { Self.delay - $0 } : reply.seconds
            if reply.isGreylisted { early += 1 }
            // A retry passes up to ten seconds early.
            let isInTime = reply.isGreylisted || waited.upperBound >= Self.delay - 10
            if !isInTime || !(seconds.map(waited.contains) ?? false) { wrong.append("\(number): \(reply)") }
        }
        #expect(wrong.isEmpty, "\(wrong.count) pending triplets don't go on: \(wrong.prefix(5))")
        #expect(early > 50 && early <= Self.delay - age(0), "\(early) are too early")
    }

    /// No triplet waits that has passed, and no new message of a client on a list.
    private func expectPassed(_ daemon: Daemon) throws {
        let triplets = (0..<Self.each).map { passed($0) }
        #expect(try unexpected(triplets, at: daemon.endpoints[0]) { $0.passes } == 0, "passed triplets that wait")
        let clients = (0..<Self.clients).map { client($0, 99, domain: 99) }
        #expect(try unexpected(clients, at: daemon.endpoints[0]) { $0.passes } == 0, "known clients that wait")
        #expect(try daemon.ask(client(Self.clients, 99, domain: 99)).isGreylisted, "a client with too few passes")
        #expect(try daemon.ask(PolicyRequest(sender: "other@elsewhere.example")).isGreylisted)
    }

    // MARK: The takeovers

    @Test(
        "Who has passed sqlgrey passes, who waits waits on, and clients on its lists pass", .timeLimit(.minutes(15)))
    func sqlgrey() throws {
        try withLab { lab in
            // It commits each row.
            let memory = try TemporaryDirectory(in: "/dev/shm")
            defer { memory.remove() }
            let directory = memory.path
            let sqlgrey = try SQLgrey(in: directory)
            try sqlgrey.client().close()
            let retried =
                (0..<Self.each).map { passed($0) }
                // The second sender of a domain puts it onto the list of domains, in the place of the first.
                + (0..<Self.clients).flatMap { number in (0..<10).map { client(number, $0, domain: $0 / 2) } }
                + (0..<4).map { client(Self.clients, $0, domain: $0) }
            let all = (0..<Self.each).map { pending($0) } + retried
            #expect(try unexpected(all, at: sqlgrey.endpoint) { !$0.passes } == 0)
            // From the next second on.
            Thread.sleep(forTimeInterval: 1.1)
            #expect(try unexpected(retried, at: sqlgrey.endpoint) { $0.passes } == 0)
            try sqlgrey.terminate()

            let now = ForeignDatabase.now()
            let times = "SET first_seen = \(now - 50 * Self.day), last_seen = \(now - Self.day)"
            try SQLgrey.change(
                directory,
                [
                    // By the number in the recipient.
                    "UPDATE connect SET first_seen = \(now - age(0)) - CAST(substr(rcpt, 2) AS INTEGER)",
                    "UPDATE from_awl \(times)", "UPDATE domain_awl \(times)",
                ])
            // It goes on meanwhile, and accepts what was changed.
            let again = try SQLgrey(in: directory)
            #expect(try again.ask(again.client(), passed(0), "a known sender").passes)

            let socket = lab.directory.file("control.sock")
            let configuration = try lab.configureImport("", "\"control_socket\": \"\(socket)\"")
            let daemon = try lab.start(extra: configuration)
            let file = SQLgrey.database(in: directory)
            let report = try lab.tprtctl(["import", "sqlgrey", file, "--json"] + configuration).succeed()
            for part in [
                "\"to\": \"tprtd at unix:\(socket)\"", "\"left_out\": []",
                "\"imported\": \(Self.each), \"new\": \(Self.each), \"read\": \(Self.each)",
                "\"expired\": 0, \"imported\": 1101, \"new\": 1101, \"read\": 5504",
            ] { #expect(report.contains(part), "\(part)\n\(report)") }
            try expectPending(daemon, since: now)
            try expectPassed(daemon)
            #expect(try again.ask(again.client(), passed(1), "a known sender").passes)
            try again.terminate()
        }
    }

    @Test(
        "Who has passed greylistd passes, who waits waits on, and clients that it knows as such pass",
        .timeLimit(.minutes(15)))
    func greylistd() throws {
        try withLab { lab in
            let data = try lab.directory.makeDirectory("data")
            let greylistd = try Greylistd(in: lab.directory.path)
            let retried = (0..<Self.each).map { passed($0) }
            for request in (0..<Self.each).map({ pending($0) }) + retried {
                #expect(try greylistd.update(request) == "grey")
            }
            // From the next second on.
            Thread.sleep(forTimeInterval: 1.1)
            for request in retried { #expect(try greylistd.update(request) == "white") }
            #expect(try greylistd.command("add --black 192.0.2.66 a@b.example c@d.example").contains("blacklist"))
            try greylistd.terminate()

            // It has clients beside its triplets when it is told so.
            let again = try Greylistd(in: lab.directory.path, passesClients: true)
            for number in 0...Self.clients { #expect(try again.update(client(number, 0)) == "grey") }
            Thread.sleep(forTimeInterval: 1.1)
            for number in 0...Self.clients {
                for message in 0..<(number < Self.clients ? 5 : 4) {
                    #expect(try again.update(client(number, message)) == "white")
                }
            }
            try again.terminate()

            let now = ForeignDatabase.now()
            try Greylistd.change(data) { section, recipient in
                guard section == "grey" else { return (first: now - 50 * Self.day, last: now - Self.day) }
                guard let number = Int(recipient.dropFirst().prefix { $0.isNumber }) else { return nil }
                // The last of its attempts was too early as well.
                return (first: now - age(number), last: now - age(number) + 50)
            }
            let configuration = try lab.configureImport()
            let report = try lab.tprtctl(["import", "greylistd", data, "--json"] + configuration).succeed()
            for part in [
                // One of the blacklist: its two lines.
                "\"left_out\": [{\"count\": 1, ", "}, {\"count\": 1, \"message\": \"this has no equivalent here\"",
                "\"imported\": \(2 * Self.each), \"new\": \(2 * Self.each), \"read\": \(2 * Self.each)",
                "\"expired\": 0, \"imported\": 101, \"new\": 101, \"read\": 101",
            ] { #expect(report.contains(part), "\(part)\n\(report)") }
            let daemon = try lab.start(extra: configuration)
            try expectPending(daemon, since: now)
            try expectPassed(daemon)
        }
    }
}
