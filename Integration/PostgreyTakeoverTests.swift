import Foundation
import TestSupport
import Testing

/// The first start of tprt-postgrey where postgrey ran, with the same command line.
@Suite("tprt-postgrey in the place of postgrey", .blocking)
struct PostgreyTakeoverTests {
    private static let triplets = 10_000
    private static let clients = 100
    /// How many of the pending triplets are too young to pass.
    private static let young = 50

    /// One of the triplets; those with an even number have passed.
    private func triplet(_ number: Int, at time: Int? = nil) -> PolicyRequest {
        var request = PolicyRequest.numbered(number)
        request.testTime = time
        // A message gets one header.
        request.instance = "\(number)"
        return request
    }

    /// A request of a client of the auto-whitelist, with a sender of its own.
    private func client(_ number: Int, sender: String, at time: Int? = nil) -> PolicyRequest {
        PolicyRequest(
            clientAddress: "172.16.\(number).9", sender: "\(sender)@client\(number).example", testTime: time)
    }

    /// Has postgrey learn: 10,000 triplets, half of which passed, and 100 clients with five passes an hour apart.
    private func teach(_ postgrey: Postgrey, now: Int) throws {
        let connection = try postgrey.client()
        for hour in 0..<5 {
            let time = now - 40_000 + hour * 4_000
            for number in 0..<Self.clients {
                let request = { client(number, sender: "s\(hour)x", at: $0) }
                #expect(!(try postgrey.ask(connection, request(time), "first attempt").passes))
                #expect(try postgrey.ask(connection, request(time + 400), "retry").passes)
            }
        }
        for number in 0..<Self.triplets {
            let isYoung = !number.isMultiple(of: 2) && number < 2 * Self.young
            let time = now - (isYoung ? 100 : 1_000)
            #expect(!(try postgrey.ask(connection, triplet(number, at: time), "first attempt").passes))
            if number.isMultiple(of: 2) {
                #expect(try postgrey.ask(connection, triplet(number, at: time + 500), "retry").passes)
            }
        }
    }

    /// Gives postgrey's directory to the user that has the lab where root runs the tests.
    private func handOver(_ directory: String) throws {
        guard geteuid() == 0 else { return }
        let user = try account("nobody")
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            try give("\(directory)/\(name)", to: user)
        }
        try give(directory, to: user)
    }

    @Test(
        "who has passed passes, who waits waits on, and clients of the auto-whitelist pass, from the first minute on",
        .timeLimit(.minutes(10)), arguments: [[], ["--privacy"], ["--lookup-by-host"]])
    func takeover(_ options: [String]) throws {
        try withLab { lab in
            let directory = try lab.directory.makeDirectory("postgrey")
            let list = try lab.directory.write("# nobody\n", to: "list")
            let postgrey = try Postgrey(
                in: directory, clients: list, recipients: list, options: ["--delay=300"] + options)
            let now = ForeignDatabase.now()
            try teach(postgrey, now: now)
            try postgrey.terminate()

            try handOver(directory)

            let socket = lab.directory.file("s")
            let arguments =
                [
                    "--unix=\(socket)", "--delay=300", "--whitelist-clients=/dev/null",
                    "--whitelist-recipients=/dev/null",
                    "--dbdir=\(directory)",
                ] + options
            let before = try FileManager.default.attributesOfItem(atPath: "\(directory)/postgrey.db")
            let command = try PostgreyCommand(lab, arguments)
            let connection = try command.client(.unix(socket))
            // From the first moment on, whether or not it is imported already.
            for number in stride(from: 0, to: 400, by: 2) { #expect(try connection.ask(triplet(number)).passes) }
            try command.waitForLine { $0.contains("\(directory): importing what postgrey has learned") }
            try command.waitForLine {
                $0.contains("imported 10,500 triplets (") && $0.contains(", 5,100 clients (5,100 of them new)")
            }
            let marker = lab.directory.file("postgrey-imported")
            try eventually("the marker") { FileManager.default.fileExists(atPath: marker) ? () : nil }
            let after = try FileManager.default.attributesOfItem(atPath: "\(directory)/postgrey.db")
            #expect(before[.modificationDate] as? Date == after[.modificationDate] as? Date)

            var deferred = 0
            for number in stride(from: 0, to: Self.triplets, by: 2)
            where !(try connection.ask(triplet(number)).passes) { deferred += 1 }
            #expect(deferred == 0, "passed triplets that wait once more")
            for number in stride(from: 1, to: Self.triplets, by: 2) where number > 2 * Self.young {
                // It is the retry that passes, with the header that says for how long it waited.
                if !(try connection.ask(triplet(number)).addsHeader) { deferred += 1 }
            }
            #expect(deferred == 0, "pending triplets that had to begin again")
            for number in stride(from: 1, to: 2 * Self.young, by: 2) {
                let reply = try connection.ask(triplet(number))
                // This test may have taken longer than it has to wait.
                let left = 300 - 100 - (ForeignDatabase.now() - now)
                if left > 5 { #expect(!reply.passes && (reply.seconds ?? 0) <= left + 5, "\(reply)") }
            }
            var waiting = 0
            for number in 0..<Self.clients
            where !(try connection.ask(client(number, sender: "anybody")).passes) { waiting += 1 }
            #expect(waiting == 0, "clients of the auto-whitelist that wait")
            #expect(!(try connection.ask(PolicyRequest(sender: "other@elsewhere.example")).passes))
            #expect(try command.terminate() == .exited(0))

            // It happens once.
            let again = try PostgreyCommand(lab, arguments)
            let next = try again.client(.unix(socket))
            #expect(try next.ask(triplet(0)).passes)
            #expect(try again.terminate() == .exited(0))
            #expect(!again.lines.contains { $0.contains("importing") }, "\(again.lines)")
        }
    }

    @Test("a database that can't be read stops nothing, and is tried again at the next start")
    func unreadable() throws {
        try withLab { lab in
            let directory = try lab.directory.makeDirectory("postgrey")
            let arguments = ["--unix=\(lab.directory.file("s"))", "--dbdir=\(directory)"]
            try Data(repeating: 0x55, count: 40_000).write(to: URL(fileURLWithPath: "\(directory)/postgrey.db"))
            for _ in 0..<2 {
                let command = try PostgreyCommand(lab, arguments)
                let connection = try command.client(.unix(lab.directory.file("s")))
                // It passes until it is known that nothing comes of the import.
                _ = try connection.ask(PolicyRequest(sender: "early@b.example"))
                try command.waitForLine { $0.contains("the next start tries again") }
                #expect(command.lines.contains { $0.contains("\(directory)/postgrey.db") }, "\(command.lines)")
                try eventually("mail is greylisted") {
                    try connection.ask(PolicyRequest(sender: "a@b.example")).passes ? nil : ()
                }
                #expect(try command.terminate() == .exited(0))
            }
            #expect(!FileManager.default.fileExists(atPath: lab.directory.file("postgrey-imported")))
        }
    }

    @Test("a daemon that stops in the middle takes the import with it, and the next start does it")
    func stopped() throws {
        try withLab { lab in
            let directory = try lab.directory.makeDirectory("postgrey")
            let postgrey = try Postgrey(in: directory, clients: "/dev/null", recipients: "/dev/null")
            _ = try postgrey.ask(postgrey.client(), PolicyRequest(sender: "a@b.example"), "first attempt")
            try postgrey.terminate()
            try handOver(directory)
            let arguments = ["--unix=\(lab.directory.file("s"))", "--dbdir=\(directory)"]
            let first = try PostgreyCommand(lab, arguments)
            // Perhaps before it has a handler for that.
            _ = try first.terminate()
            #expect(!first.lines.contains { $0.contains("imported 1 triplet") })
            let second = try PostgreyCommand(lab, arguments)
            try second.waitForLine { $0.contains("imported 1 triplet (1 of them new), 0 clients") }
            #expect(try second.terminate() == .exited(0))
        }
    }
}
