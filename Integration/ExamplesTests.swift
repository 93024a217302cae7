import Foundation
import TestSupport
import Testing

/// What examples/ says to Postfix, said to a real one.
@Suite("The examples", .blocking)
struct ExamplesTests {
    private static let directory = URL(filePath: #filePath).appending(path: "../../examples").standardized.path

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(directory)/\(path)", encoding: .utf8)
    }

    @Test(
        "Postfix and tprtd do together what the example says",
        arguments: [
            "single-server", "outgoing", "several-exchangers", "chroot", "per-recipient", "suspicious", "trial",
        ])
    func together(_ name: String) throws {
        try withLab { lab in
            var options = PrivatePostfix.Options(policy: .socketInQueue, chroot: name == "chroot")
            options.restrictions = try Self.text("\(name)/main.cf")
                .replacing("/etc/postfix/", with: "\(lab.directory.path)/")
            if name == "per-recipient" {
                let table = try Self.text("per-recipient/greylisted").replacing("example.com", with: "test.invalid")
                try lab.directory.write(table, to: "greylisted")
            }
            let postfix = try lab.startPostfix(options)
            let daemon = try start(name, in: lab, for: postfix)

            let session = try postfix.session()
            let answers = try session.envelope(
                from: "a@sender.example", to: ["anna@test.invalid", "orders@test.invalid"])
            try session.quit()
            let delayed: [Bool] =
                switch name {
                case "trial": [false, false]
                case "per-recipient": [true, false]
                default: [true, true]
                }
            #expect(answers.map(\.isGreylisting) == delayed, "\(answers)")
            #expect(answers.map { $0.code == 250 } == delayed.map { !$0 }, "\(answers)")

            try postfix.stop()
            #expect(postfix.complaints.isEmpty, "\(postfix.complaints)")
            #expect(try daemon.terminate() == .exited(0))
            let asked = name == "per-recipient" ? 1 : 2
            #expect(daemon.decisions.map { $0["action"] } == Array(repeating: "greylist", count: asked))
        }
    }

    /// A daemon by the example's configuration, but for what this machine doesn't have or the lab has elsewhere.
    private func start(_ name: String, in lab: Lab, for postfix: PrivatePostfix) throws -> Daemon {
        let text = try Self.text("\(name)/tprt.conf").replacing("/run/tprt/", with: "\(lab.directory.path)/")
        let file = try lab.directory.write(text, to: "tprt.conf")
        let here = [
            "log.log_type=stderr", "server.user=", "server.group=", "server.chroot=false", "server.daemonize=false",
            "server.pid_file_path=",
        ]
        return try lab.start(at: postfix.policyEndpoint, extra: ["-c", file] + here.flatMap { ["-i", $0] })
    }

    @Test(
        "postconf takes the lines for main.cf and master.cf, and knows all their parameters",
        arguments: [
            "single-server", "outgoing", "several-exchangers", "chroot", "per-recipient", "suspicious", "trial",
        ])
    func postconf(_ name: String) throws {
        try withLab { lab in
            let base = "compatibility_level = 3.6\nqueue_directory = \(lab.directory.path)\n"
            try lab.directory.write(base + Self.text("\(name)/main.cf"), to: "main.cf")
            try lab.directory.write((try? Self.text("\(name)/master.cf")) ?? "", to: "master.cf")
            for what in ["-n", "-M", "-P"] {
                let complaints = try run(["/bin/sh", "-c", "postconf -c \(lab.directory.path) \(what) 2>&1 >/dev/null"])
                #expect(complaints.isEmpty, "\(complaints)")
            }
        }
    }
}
