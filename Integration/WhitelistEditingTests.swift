import Foundation
import RedisLab
import TestSupport
import Testing

/// `tprtctl whitelist import`, `export`, `add` and `remove`, the real program.
@Suite("Editing whitelists", .blocking)
struct WhitelistEditingTests {
    private static let lists = #"""
        {
          "partners": [
            {"type": "ipv4_net", "net": "192.0.2.0", "mask": 24, "name": "office", "comment": "é \"q\""},
            {"type": "all", "of": [{"type": "remote_name", "domain": "a.example"}, {"type": "helo_name", "domain": "b.example"}], "delay": "1m"}
          ],
          "roles": [
            {"type": "recipient_literal", "recipient": "postmaster@", "expires": "2099-12-31"}
          ]
        }

        """#

    @Test("Imported twice, a list is there once; the daemon honours it, and it comes back as it was")
    func thereAndBack() async throws {
        try await withServer(.plain) { server in
            try await withLab { lab in
                let redis = "redis://127.0.0.1:\(server.port)/0"
                let file = try lab.directory.write(Self.lists, to: "wl.json")
                let dry = try lab.tprtctl(["whitelist", "import", file, "--to", redis, "--dry-run"]).succeed()
                #expect(dry.hasPrefix("+ partners: {\"type\": \"ipv4_net\""))
                #expect(try await server.command("DBSIZE") == "0")

                let first = try lab.tprtctl(["whitelist", "import", file, "--to", redis])
                let table = """
                    list      added  changed  removed  unchanged
                    partners      2        0        0          0
                    roles         1        0        0          0
                    """
                #expect(try first.succeed() == table)
                #expect(first.errors.isEmpty)
                let keys = try await server.command("KEYS", "*").split(separator: "\n").count
                let second = try lab.tprtctl(["whitelist", "import", file, "--to", redis, "--json"]).succeed()
                #expect(
                    second.contains(#"{"added": 0, "changed": 0, "name": "partners", "removed": 0, "unchanged": 2}"#))
                #expect(try await server.command("KEYS", "*").split(separator: "\n").count == keys)

                let exported = lab.directory.file("out.json")
                try lab.tprtctl(["whitelist", "export", redis, "--output", exported]).succeed()
                #expect(try String(contentsOfFile: exported, encoding: .utf8) == Self.lists)
                try lab.tprtctl(["whitelist", "check", exported]).succeed()

                let control = lab.directory.file("control.sock")
                let daemon = try lab.start(extra: [
                    "-i", "service.wl_sources=[\"\(redis)\"]", "-i", "server.control_socket=\(control)",
                ])
                let home = PolicyRequest(clientAddress: "192.0.2.9", sender: "a@sender.example")
                #expect(try daemon.ask(home).passes)
                try daemon.waitForLine("the entry") { $0.contains("(entry=\(redis)(partners:office)), client_name=") }

                try lab.directory.write(#"{"partners": []}"#, to: "wl.json")
                let third = try lab.tprtctl(["whitelist", "import", file, "--to", redis, "--replace"]).succeed()
                #expect(third.hasSuffix("partners      0        0        2          0"))
                // Most of what there was is gone, which is more often a mistake.
                try lab.tprtctl(["whitelist", "accept", "--socket", control]).succeed()
                #expect(try daemon.ask(home).isGreylisted)
                #expect(try daemon.terminate() == .exited(0))
            }
        }
    }

    @Test("A reader that has seen enough ends it quietly; a result that can't be written is an error")
    func readers() throws {
        try withLab { lab in
            let lines = (0..<20_000).map { "mx\($0).example.org\n" }.joined()
            let list = "postgrey-clients://\(try lab.directory.write(lines, to: "clients"))"
            let program = try program("tprtctl", orIn: "TPRTCTL_BINARY")
            let reader = "| (read -r line); echo ${PIPESTATUS[0]}"
            for (script, status, warnings) in [
                ("\(program) whitelist list \(list) \(reader)", "0", 0),
                ("trap '' PIPE; \(program) whitelist list \(list) \(reader)", "0", 0),
                ("\(program) whitelist export \(list) \(reader)", "0", 0),
                ("trap '' PIPE; \(program) store copy --help \(reader)", "0", 0),
                ("\(program) whitelist list \(list) >/dev/full; echo $?", "73", 1),
            ] {
                let (said, warned) = (try LineReader(), try LineReader())
                let process = try ChildProcess.start(
                    ["/bin/bash", "-c", script], output: said.writeEnd, errors: warned.writeEnd)
                close(said.writeEnd)
                close(warned.writeEnd)
                said.start()
                warned.start()
                #expect(try process.wait(within: patience) == .exited(0))
                try eventually("the end of its lines") { said.ended && warned.ended ? () : nil }
                #expect(said.lines == [status], "\(script)")
                #expect(warned.lines.count == warnings, "\(warned.lines)")
            }
        }
    }

    @Test("Entries come and go, in a file and in a Redis, and each command says so by its status")
    func single() async throws {
        try await withServer(.plain) { server in
            try withLab { lab in
                let file = lab.directory.file("wl.json")
                for source in [file, "redis://127.0.0.1:\(server.port)/0"] {
                    let add = ["whitelist", "add", source, "--list", "partners", "--network", "192.0.2.0/24"]
                    #expect(try lab.tprtctl(add + ["--entry-name", "office"]).succeed().contains(": added: "))
                    #expect(try lab.tprtctl(add).succeed().contains(": is there already: "))
                    let test = ["whitelist", "test", source, "--client", "192.0.2.1"]
                    #expect(try lab.tprtctl(test).succeed().contains("(partners:office)"))
                    let remove = ["whitelist", "remove", source, "--list", "partners", "--entry-name", "office"]
                    try lab.tprtctl(remove).succeed()
                    let again = try lab.tprtctl(remove)
                    #expect(try again.waitForEnd() == .exited(1))
                    #expect(again.errors.count == 1 && again.errors[0].hasSuffix("(partners): no such entry"))
                    #expect(try lab.tprtctl(test).waitForEnd() == .exited(1))
                    let wide = try lab.tprtctl(["whitelist", "add", source, "--list", "partners", "--name", "com"])
                    #expect(try wide.waitForEnd() == .exited(65))
                    #expect(wide.output.isEmpty)
                }
            }
        }
    }

    @Test("Many who add to a file at once all get their entry in")
    func many() throws {
        try withLab { lab in
            let file = try lab.directory.write("// ours\n{}\n", to: "wl.json")
            let tools = try (0..<12).map { number in
                try lab.tprtctl(["whitelist", "add", file, "--list", "l", "--name", "n\(number).example"])
            }
            for tool in tools { try tool.succeed() }
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(text.hasPrefix("// ours\n"))
            for number in 0..<12 { #expect(text.contains("\"n\(number).example\"")) }
            #expect(lab.directory.names(beginningWith: ".wl").isEmpty)
        }
    }

    @Test("Where anything is wrong nothing is written, it is named, and no password is shown")
    func faults() async throws {
        try await withServer(.plain.requirepass("s3cret")) { server in
            try await withLab { lab in
                let good = try lab.directory.write(Self.lists, to: "good.json")
                let bad = try lab.directory.write(
                    #"{"l": [{"type": "ipv4_net", "net": "192.0.2.0/33"}]}"#, to: "bad.json")
                let here = "redis://:s3cret@127.0.0.1:\(server.port)/0"
                let closed = "redis://:s3cret@127.0.0.1:1/0"
                for (arguments, status, sentence) in [
                    (["import", bad, good, "--to", here], Int32(65), "has no prefix length"),
                    (["import", lab.directory.path, "--to", here], 65, "it is a directory"),
                    (["import", good, "--to", closed], 69, "refused"),
                    (
                        ["import", good, "--to", here.replacingOccurrences(of: "s3cret", with: "wrong-s3cret")], 78,
                        "WRONGPASS"
                    ),
                    (["import", good, "--to", "mysql://u:s3cret@h"], 64, "is no URL of a Redis"),
                    (["import", "--to", here], 64, "no source is named"),
                    (["export", bad], 65, "has no prefix length"),
                    (["export", good, "--output", lab.directory.file("none/x")], 73, "No such file or directory"),
                    (["add", closed, "--list", "l", "--name", "a.b"], 69, "refused"),
                    (["add", bad, "--list", "l", "--name", "."], 65, "is not a domain name"),
                    (
                        ["remove", lab.directory.file("none"), "--list", "l", "--number", "0"], 66,
                        "file does not exist"
                    ),
                ] {
                    let tool = try lab.tprtctl(["whitelist"] + arguments)
                    #expect(try tool.waitForEnd() == .exited(status), "\(arguments)")
                    #expect(tool.errors.contains { $0.contains(sentence) }, "\(arguments): \(tool.errors)")
                    #expect(!(tool.errors + tool.output).contains { $0.contains("s3cret") })
                }
                #expect(try await server.command("DBSIZE") == "0")
            }
        }
    }
}
