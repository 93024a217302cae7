import Foundation
import TestSupport
import Testing

@Suite("Under a service manager", .blocking)
struct ServiceManagerTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    /// Microseconds of the clock that MONOTONIC_USEC is about.
    private func monotonic() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }

    private func launch(_ lab: Lab, _ variables: [String], whitelist: String? = nil) throws -> Daemon {
        try lab.launch(
            lab.arguments(at: lab.unixEndpoint, delay: 300, whitelist: whitelist), listeningAt: [lab.unixEndpoint],
            variables: variables)
    }

    @Test("It hears of the start, of reloads and of the end, in this order", arguments: ["path", "abstract"])
    func tellsItsState(_ kind: String) throws {
        try withLab { lab in
            let name = lab.directory.file("notify")
            let manager = try NotifyReader(at: kind == "path" ? name : "@" + name)
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try launch(lab, [manager.variable], whitelist: whitelist)
            try manager.wait(for: "READY=1")
            // Now, and not only soon.
            #expect(try daemon.ask(request).isGreylisted)

            try lab.directory.write(whitelistText(networks: ["198.51.100.0/24"]), to: "whitelist")
            let (begin, before) = (monotonic(), manager.notices.count)
            try daemon.process.signal(SIGHUP)
            let reloading = try manager.wait(for: "RELOADING=1\nMONOTONIC_USEC=", after: before)
            let time = try #require(reloading.split(separator: "=").last.flatMap { UInt64($0) })
            #expect((begin...monotonic()).contains(time))
            try manager.wait(for: "READY=1", after: before)
            #expect(try daemon.ask(request).passes)

            #expect(try daemon.terminate() == .exited(0))
            try manager.wait(for: "STOPPING=1")
            #expect(manager.notices.last == "STOPPING=1")
            // A change of the file that is seen by itself would be told, too; there was none but that of the signal.
            let states = manager.notices.filter { !$0.hasPrefix("STATUS=") }.map { $0.split(separator: "\n")[0] }
            #expect(states.first == "READY=1")
            #expect(states.contains("RELOADING=1"))
        }
    }

    @Test("It sees what was done, in the line of the status")
    func tellsItsStatus() throws {
        try withLab { lab in
            let manager = try NotifyReader(at: lab.directory.file("notify"))
            let daemon = try launch(lab, [manager.variable])
            try manager.wait(for: "STATUS=connections: 0, requests: 0 (greylisted: 0, passed: 0)")
            let client = try daemon.client()
            #expect(try client.ask(request).isGreylisted)
            #expect(try client.ask(PolicyRequest(clientAddress: "unknown", sender: "a@sender.example")).passes)
            try manager.wait(for: "STATUS=connections: 1, requests: 2 (greylisted: 1, passed: 1)")
        }
    }

    @Test("A watchdog is fed, and by nothing that is in the log")
    func feedsTheWatchdog() throws {
        try withLab { lab in
            let manager = try NotifyReader(at: lab.directory.file("notify"))
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300) + ["-i", "log.log_level=3", "-i", "server.threads=2"],
                listeningAt: [lab.unixEndpoint], variables: [manager.variable, "WATCHDOG_USEC=200000"])
            try eventually("it is fed again and again") {
                manager.notices.count { $0 == "WATCHDOG=1" } >= 5 ? () : nil
            }
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.decisions.isEmpty)
            #expect(manager.notices.contains("STATUS=connections: 0, requests: 0 (greylisted: 0, passed: 0)"))
        }
    }

    @Test("A watchdog that is meant for another process isn't fed")
    func leavesOthersAlone() throws {
        try withLab { lab in
            let manager = try NotifyReader(at: lab.directory.file("notify"))
            let daemon = try launch(lab, [manager.variable, "WATCHDOG_USEC=1000", "WATCHDOG_PID=1"])
            try manager.wait(for: "READY=1")
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
            try manager.wait(for: "STOPPING=1")
            #expect(!manager.notices.contains("WATCHDOG=1"))
        }
    }

    @Test("A manager that isn't there, and wishes that make no sense, are warned of, and mail is served")
    func carriesOn() throws {
        try withLab { lab in
            let path = lab.directory.file("nobody")
            let daemon = try launch(lab, ["NOTIFY_SOCKET=\(path)", "WATCHDOG_USEC=soon"])
            try daemon.waitUntilReady()
            #expect(try daemon.ask(request).isGreylisted)
            #expect(daemon.lines.contains { $0.hasPrefix("warning: NOTIFY_SOCKET=\(path): ") })
            #expect(daemon.lines.contains { $0.hasPrefix("warning: WATCHDOG_USEC=soon: ") })
        }
    }
}

extension NotifyReader {
    /// Waits for a notice that begins so, after the first `skipped` ones.
    @discardableResult
    func wait(for beginning: String, after skipped: Int = 0) throws -> String {
        try eventually("the notice \(beginning)") {
            notices.dropFirst(skipped).first { $0.hasPrefix(beginning) }
        }
    }
}
