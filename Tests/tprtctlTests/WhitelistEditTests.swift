import ArgumentParser
import Foundation
import Programs
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@testable import tprtctl

@Suite("tprtctl whitelist add, remove, import")
struct WhitelistEditTests {
    private func add(_ arguments: [String]) throws -> WhitelistAddCommand {
        try WhitelistAddCommand.parse(["/x", "--list", "l"] + arguments)
    }

    @Test(
        "the words spell an entry",
        arguments: [
            (["--network", "192.0.2.9/24"], #"{"type": "ipv4_net", "net": "192.0.2.0", "mask": 24}"#),
            (["--network", "2001:db8::1"], #"{"type": "ipv6_net", "net": "2001:db8::1", "mask": 128}"#),
            (["--name", "a.b"], #"{"type": "remote_name", "domain": "a.b"}"#),
            (["--helo", "a.b"], #"{"type": "helo_name", "domain": "a.b"}"#),
            (["--sender", "a@b.c"], #"{"type": "sender_literal", "sender": "a@b.c"}"#),
            (["--sender-domain", "b.c"], #"{"type": "sender_domain", "domain": "b.c"}"#),
            (["--recipient", "a"], #"{"type": "recipient_literal", "recipient": "a@"}"#),
            (["--recipient-domain", "b.c"], #"{"type": "recipient_domain", "domain": "b.c"}"#),
            (
                ["--recipient", "a@", "--network", "10.0.0.0/7"],
                #"{"type": "all", "of": [{"type": "ipv4_net", "net": "10.0.0.0", "mask": 7}, "#
                    + #"{"type": "recipient_literal", "recipient": "a@"}]}"#
            ),
            (["--entry", "{type: 'remote_regex', regex: 'x'}"], #"{"type": "remote_regex", "regex": "x"}"#),
            (
                [
                    "--name", "com", "--delay", "60", "--expires", "2027-01-31", "--comment", "a\nb", "--entry-name",
                    "n",
                ],
                #"{"type": "remote_name", "domain": "com", "delay": "1m", "expires": "2027-01-31", "name": "n", "#
                    + #""comment": "a\nb"}"#
            ),
            (["--name", "com", "--greylist"], #"{"type": "remote_name", "domain": "com", "greylist": true}"#),
            (["--name", "com", "--force"], #"{"type": "remote_name", "domain": "com", "allow_wide": true}"#),
        ])
    func words(arguments: [String], text: String) throws {
        #expect(try add(arguments).entry().text == text)
    }

    @Test(
        "what lets nearly everybody through is refused, unless it is forced",
        arguments: [
            (["--network", "0.0.0.0/0"], "0.0.0.0/0 is wider than /8"),
            (["--network", "::/0"], "::/0 is wider than /19"),
            (["--network", "10.0.0.0/7"], "10.0.0.0/7 is wider than /8"),
            (["--network", "2001::/18"], "2001::/18 is wider than /19"),
            (["--name", "com"], "com is a top-level domain"),
            (["--sender-domain", "org."], "org is a top-level domain"),
            (
                ["--entry", #"{"type": "recipient_regex", "regex": ".*"}"#],
                "the regular expression matches the empty text"
            ),
            (
                ["--entry", #"{"type": "recipient_regex", "regex": ".+"}"#], "the regular expression matches everything"
            ),
            (
                ["--entry", #"{"type": "sender_regex", "regex": "x*"}"#],
                "the regular expression matches the empty text"
            ),
        ])
    func wide(arguments: [String], message: String) throws {
        let failure = try #require(throws: ProgramError.self) { try add(arguments).entry() }
        #expect(failure.status == .dataError)
        #expect(failure.messages[0].hasPrefix("invalid entry: \(message)"))
        #expect(failure.messages[0].hasSuffix("(--force writes that)"))
        #expect(try add(arguments + ["--force"]).entry().text.contains(#""allow_wide": true"#))
    }

    @Test(
        "what can't be meant is refused, forced or not",
        arguments: [
            (["--name", "."], Programs.ExitStatus.dataError), (["--recipient", "@"], .dataError),
            (["--sender", "a b"], .dataError),
            (["--network", "x"], .dataError), (["--entry", "{}"], .dataError), (["--entry", "["], .usage),
            (["--entry", "[]"], .usage), (["--entry", "{}", "--name", "a.b"], .usage), ([], .usage),
            (["--name", "a.b", "--expires", "soon"], .dataError), (["--name", "a.b", "--delay", "2d"], .dataError),
            (["--entry", #"{"type": "attribute", "name": "size", "matches": "1"}"#, "--entry-name", "n"], .usage),
        ])
    func faults(arguments: [String], status: Programs.ExitStatus) throws {
        let failure = try #require(throws: ProgramError.self) { try add(arguments + ["--force"]).entry() }
        #expect(failure.status == status)
    }

    @Test(
        "what can't be changed is refused with what to do instead, and without a password",
        arguments: [
            ("dir:///etc/tprt/whitelist.d", "name the file in it (such as file:///etc/tprt/whitelist.d/50-local.json)"),
            (
                "postgrey-clients:///etc/postgrey/whitelist_clients",
                "edit /etc/postgrey/whitelist_clients.local in an editor"
            ),
            ("mysql://u:s3cret@h", "can't be read"), ("redis://u:s3cret@h/x", "a redis URL has an invalid database"),
            ("list.json", "is no URL"),
        ])
    func targets(url: String, message: String) throws {
        let failure = try #require(throws: ProgramError.self) { try WhitelistTarget(url) }
        #expect(failure.status == .usage)
        #expect(failure.messages[0].contains(message), "\(failure.messages)")
        #expect(!failure.messages[0].contains("s3cret"))
    }

    @Test("an import wants a source and a Redis, a removal one entry")
    func usage() throws {
        for arguments in [["--to", "redis://h"], ["/x"]] {
            #expect(throws: (any Error).self) { try WhitelistImportCommand.parse(arguments) }
        }
        let command = try WhitelistImportCommand.parse(["/x", "--to", "mysql://u:s3cret@h"])
        let failure = try #require(throws: ProgramError.self) { try command.run() }
        #expect(failure.status == .usage && !failure.messages[0].contains("s3cret"))
        for arguments in [[], ["--number", "1", "--entry-name", "n"], ["--name", "a.b", "--number", "1"]] {
            #expect(throws: (any Error).self) {
                try WhitelistRemoveCommand.parse(["/x", "--list", "l"] + arguments)
            }
        }
    }

    // MARK: Files

    private func inode(_ path: String) throws -> UInt64 {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.systemFileNumber] as? UInt64)
    }

    @Test("a file is replaced whole; link, owner and mode stay")
    func replaces() throws {
        let directory = try TemporaryDirectory()
        let (path, link) = (directory.file("wl.json"), directory.file("link.json"))
        try Data("{}".utf8).write(to: URL(filePath: path))
        #expect(chmod(path, 0o640) == 0 && chown(path, 12_345, 54_321) == 0 && symlink("wl.json", link) == 0)
        let before = try inode(path)
        let isNew = try WhitelistTarget.edit(link, mustExist: true) { (text) throws(WhitelistError) in
            try text.add(try Self.entry("a.b"), to: "l", isFirst: false)
        }
        #expect(isNew)
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o640 && status.st_uid == 12_345 && status.st_gid == 54_321)
        #expect(UInt64(status.st_ino) != before)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "wl.json")
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("a.b"))
        #expect(directory.names.sorted() == ["link.json", "wl.json"])
    }

    private static func entry(_ domain: String) throws(WhitelistError) -> WhitelistEntry {
        guard let domain = Domain(domain) else { throw WhitelistError("\(domain) is not a domain") }
        return WhitelistEntry(.heloName(domain))
    }

    @Test("what somebody else changes meanwhile is not lost")
    func concurrent() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("wl.json")
        for (before, meanwhile) in [("{}", "{x: []}"), (nil, "{y: []}"), ("{}", nil)] {
            try? FileManager.default.removeItem(atPath: path)
            if let before { try Data(before.utf8).write(to: URL(filePath: path)) }
            let file = try FileReplacement(of: path)
            _ = try file.contents()
            if let meanwhile {
                try Data(meanwhile.utf8).write(to: URL(filePath: path))
            } else {
                try FileManager.default.removeItem(atPath: path)
            }
            let failure = try #require(throws: ProgramError.self) { try file.replace(by: Array("{z: []}".utf8)) }
            #expect(failure.status == .unavailable)
            #expect(failure.messages == ["\(path): it was changed meanwhile: run the command again"])
            #expect((try? String(contentsOfFile: path, encoding: .utf8)) == meanwhile)
        }
        #expect(directory.names.isEmpty)
    }

    @Test("what is no file, or has no directory, is named")
    func noFiles() throws {
        let directory = try TemporaryDirectory()
        #expect(symlink("nowhere", directory.file("link")) == 0 && mkfifo(directory.file("pipe"), 0o600) == 0)
        for (path, status, message) in [
            (directory.file("none/wl.json"), Programs.ExitStatus.cannotCreate, "No such file or directory"),
            (directory.path, .noInput, "it is a directory"),
            (directory.file("pipe"), .noInput, "it is not a regular file"),
            (directory.file("link"), .cannotCreate, "the link leads nowhere"),
            ("", .usage, "an empty path names no file"),
        ] {
            let failure = try #require(throws: ProgramError.self) {
                try WhitelistTarget.edit(path, mustExist: false) { (text) throws(WhitelistError) in
                    try text.add(try Self.entry("a.b"), to: "l", isFirst: false)
                }
            }
            #expect(failure.status == status, "\(path)")
            #expect(failure.messages[0].hasSuffix(message), "\(failure.messages)")
        }
        let missing = try #require(throws: ProgramError.self) {
            try WhitelistTarget.edit(directory.file("x"), mustExist: true) { _ in true }
        }
        #expect(missing.status == .noInput)
    }
}

extension WhitelistAddCommand {
    /// The entry that the options spell.
    fileprivate func entry() throws(ProgramError) -> WhitelistEntry {
        var notes: [String] = []
        return try entry(notes: &notes)
    }
}
