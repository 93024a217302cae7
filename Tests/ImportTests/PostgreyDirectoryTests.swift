import Foundation
import Greylist
import SampleOptions
import Storage
import SystemPackage
import TestSupport
import Testing
import TrustedFiles

@testable import Import

/// Debian's postgrey, asked by its socket, and its directory imported.
struct PostgreyDirectoryTests {
    /// A directory that is opened for reading; its copy is made in another one.
    private static func open(
        _ path: String, copyIn temporary: TemporaryDirectory, tools: String = "/usr/bin"
    ) throws -> PostgreyDirectory {
        let descriptor = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
        defer { try? descriptor.close() }
        return try PostgreyDirectory(directory: descriptor, name: path, temporary: temporary.path, tools: tools)
    }

    private static func open(_ path: String, tools: String = "/usr/bin") throws -> PostgreyDirectory {
        try open(path, copyIn: TemporaryDirectory(), tools: tools)
    }

    private static func names(_ folder: TemporaryDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path)
    }

    private static func read(_ directory: PostgreyDirectory) throws -> (entries: [ImportedEntry], counts: ImportCounts)
    {
        let clock = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        var source = ImportSource(
            .database(.postgrey), directory.files, options: ImportOptions(now: clock, delay: 1))
        var entries: [ImportedEntry] = []
        while let slice = try source.next() { entries += slice }
        #expect(source.position == source.size)
        return (entries, source.counts)
    }

    private static func start(_ folder: TemporaryDirectory, options: [String]) async throws -> Program {
        let database = try folder.makeDirectory("db")
        let user = NSUserName()
        return try await Program(
            [
                "/usr/sbin/postgrey", "--unix=\(folder.file("socket"))", "--dbdir=\(database)", "--delay=1",
                "--user=\(user)", "--group=\(user)", "--auto-whitelist-clients=5",
                "--whitelist-clients=/dev/null", "--whitelist-recipients=/dev/null", "--pidfile=\(folder.file("pid"))",
            ] + options)
    }

    /// Some hundred triplets; one in ten comes back after the delay.
    private static func ask(_ folder: TemporaryDirectory, options: [String] = []) async throws -> Program {
        let program = try await start(folder, options: options)
        let clock = Int64(Date().timeIntervalSince1970)
        for round in 0..<2 {
            for number in 0..<300 where round == 0 || number.isMultiple(of: 10) {
                let client = number < 200 ? "192.0.\(number).7" : "2001:db8:\(number)::ABCD"
                let sender = number.isMultiple(of: 7) ? "" : "User-\(number)+ext@Example.org"
                let text = Program.request(
                    client: client, sender: sender, recipient: "r/\(number)@example.com",
                    time: clock - (round == 0 ? 600 : 60))
                let reply = try await Program.ask(folder.file("socket"), text)
                #expect(reply.hasPrefix(round == 0 ? "action=DEFER_IF_PERMIT" : "action=PREPEND X-Greylist"))
            }
        }
        return program
    }

    private static func fingerprint(_ path: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasPrefix("__db") {
            files[name] = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
        }
        return files
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func itsDatabaseIsRead(_ runs: Bool) async throws {
        let folder = try TemporaryDirectory()
        let program = try await Self.ask(folder)
        if !runs { try await program.end() }
        let before = try Self.fingerprint(folder.file("db"))
        let directory = try Self.open(folder.file("db"))
        #expect(directory.isInUse == runs)
        #expect(try Self.fingerprint(folder.file("db")) == before)
        let (entries, counts) = try Self.read(directory)
        if runs { try await program.end() }
        #expect(counts.triplets == 300 && counts.clients == 30 && counts.leftOutLines == 0)
        var passed = 0
        var site = SiteEntries(masks: PrefixLengths.sample(), foldsRecipient: false, keys: .plain)
        var keys: Set<[UInt8]> = []
        for entry in entries {
            if case .triplet(let triplet) = entry, triplet.times.hasPassed { passed += 1 }
            guard case .entry(let own, .greylist) = site.place(entry) else { continue }
            keys.insert(own.key.bytes)
        }
        #expect(passed == 30)
        // What the daemon asks for when the same clients come.
        var envelope = Envelope()
        for number in 0..<300 {
            let client = number < 200 ? "192.0.\(number).7" : "2001:db8:\(number)::ABCD"
            let sender = number.isMultiple(of: 7) ? "" : "User-\(number)+ext@Example.org"
            let isAddressed = envelope.address(
                client: Array(client.utf8).span, sender: Array(sender.utf8).span,
                recipient: Array("r/\(number)@example.com".utf8).span, masks: PrefixLengths.sample())
            #expect(isAddressed)
            let key = envelope.readKeys { triplet, _, _, _ in Key(triplet, isHashed: false) }
            #expect(keys.contains(key.bytes), "\(number)")
        }
    }

    /// What is hard to spell as postgrey does.
    private static let awkward: [(client: String, sender: String, recipient: String)] = [
        ("192.0.47.7", "A+b@X.org", "U+v@Y.org"), ("192.0.47.8", "", "u@y.org"),
        ("2001:db8:1:2:0:A:0:abcd", "a-12-b34_5@x7", "u@y"), ("192.0.47.9", "1_2.3é4@x", "u@y"),
        ("192.0.47.10", "prvs=a=b+5", "u@y"), ("192.0.47.11", "5@6@x", "u@y"), ("192.0.47.12", "a@", "u"),
        ("192.0.47.13", "a/b@x.", "u/v@y."), ("192.0.47.14", "prvs=0123456789=bob@x", "u@y"),
        ("192.0.47.15", "prvs=jim=0123456789@x", "u@y"), ("192.0.47.16", "prvs=bob=joe@x", "u@y"),
        ("192.0.47.17", "prvs=0123456789=abcdefghij@x", "u@y"), ("192.0.47.18", "prvs=0123456789=ann==@x", "u@y"),
        ("192.0.47.19", "prvs=0123456789=@x", "u@y"), ("192.0.47.20", "prvs=a=b=c@x", "u@y"),
        ("192.0.47.21", String(repeating: "s", count: 600), String(repeating: "r", count: 600) + "@y"),
        ("::1", "a@x", "u@y"), ("fe80::ab:0:1", "#7=@x", "u@y"),
    ]

    struct Form: Sendable, CustomTestStringConvertible {
        let options: [String]
        let form: PostgreyKeyForm
        var testDescription: String { options.joined(separator: " ") }
    }

    static let forms = [
        Form(options: [], form: .network(ipv4: 24, ipv6: 64)), Form(options: ["--lookup-by-host"], form: .host),
        Form(options: ["--ipv4cidr=20", "--ipv6cidr=48"], form: .network(ipv4: 20, ipv6: 48)),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: forms)
    func digestsAreThoseOfPostgrey(_ form: Form) async throws {
        let folder = try TemporaryDirectory()
        let program = try await Self.start(folder, options: form.options + ["--privacy"])
        let clock = Int64(Date().timeIntervalSince1970)
        for time in [clock - 600, clock - 60] {
            for (client, sender, recipient) in Self.awkward {
                let text = Program.request(client: client, sender: sender, recipient: recipient, time: time)
                _ = try await Program.ask(folder.file("socket"), text)
            }
        }
        try await program.end()
        let (entries, counts) = try Self.read(try Self.open(folder.file("db")))
        #expect(counts.leftOut.isEmpty)
        var envelope = Envelope()
        var (triplets, clients): (Set<Digest>, Set<Digest>) = ([], [])
        for (client, sender, recipient) in Self.awkward {
            let isAddressed = envelope.address(
                client: Array(client.utf8).span, sender: Array(sender.utf8).span,
                recipient: Array(recipient.utf8).span, masks: PrefixLengths.sample())
            #expect(isAddressed)
            envelope.readPostgreyTexts(form.form) { triplet, client in
                triplets.insert(Digest(of: triplet))
                clients.insert(Digest(of: client))
            }
        }
        var found = PerTable<Set<Digest>> { _ in [] }
        for case .digest(let digest) in entries { found[digest.table].insert(digest.digest) }
        #expect(found[.greylist] == triplets && triplets.count == Self.awkward.count)
        #expect(found[.autoWhitelist] == clients && clients.count == Self.awkward.count)
    }

    @Test(.timeLimit(.minutes(2)))
    func hostsAreKnownAsHosts() async throws {
        let folder = try TemporaryDirectory()
        let program = try await Self.ask(folder, options: ["--lookup-by-host"])
        try await program.end()
        let (entries, counts) = try Self.read(try Self.open(folder.file("db")))
        #expect(counts.triplets == 300 && counts.leftOutLines == 0)
        let isWhole = entries.allSatisfy { entry in
            guard case .triplet(let triplet) = entry else { return true }
            let isCleaned = [[], Array("user-#@example.org".utf8)].contains(triplet.sender)
            return isCleaned && triplet.client.prefixLength == triplet.client.address.family.rawValue
        }
        #expect(isWhole)
    }

    struct Other: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let code: ImportError.Code
        let part: String

        init(_ name: String, _ bytes: [UInt8], _ code: ImportError.Code, _ part: String) {
            (self.name, self.bytes, self.code, self.part) = (name, bytes, code, part)
        }

        var testDescription: String { "\(name) \(part)" }
    }

    static let others: [Other] = [
        Other("other.db", [], .otherFormat, "postgrey.db does not exist"),
        Other("postgrey.db", [], .otherFormat, "not a Berkeley DB"),
        Other("postgrey.db", Array("# a whitelist, and not short at all\n".utf8), .otherFormat, "whitelist"),
        Other("postgrey.db", header(0x053162, 10), .otherVersion, "a Btree of version 10"),
        Other("postgrey.db", header(0x053162, 6), .otherVersion, "db5.3_upgrade"),
        Other("postgrey.db", header(0x061561, 9), .otherFormat, "a hash"),
        Other("postgrey.db", header(0x053162, 9), .incomplete, "db5.3_dump failed"),
        Other("postgrey.db", header(0x053162, 9) + noise, .incomplete, "db5.3_dump failed"),
    ]

    private static let noise = (0..<8_192).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    private static func header(_ magic: UInt32, _ version: UInt32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 512)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: magic, toByteOffset: 12, as: UInt32.self)
            $0.storeBytes(of: version, toByteOffset: 16, as: UInt32.self)
        }
        return bytes
    }

    @Test(arguments: others)
    func whatIsSomethingElseIsSaid(_ other: Other) throws {
        let folder = try TemporaryDirectory()
        try Data(other.bytes).write(to: URL(filePath: folder.file(other.name)))
        let error = #expect(throws: ImportError.self) { _ = try Self.open(folder.path) }
        #expect(error?.code == other.code)
        #expect(error?.description.contains(other.part) == true, "\(String(describing: error))")
    }

    /// Programs that note in `told` who they are and whose the copy is, and then do their work.
    private static func tellingTools(_ folder: TemporaryDirectory) async throws -> String {
        for name in ["db5.3_recover", "db5.3_dump"] {
            let script = """
                #!/bin/sh
                for last; do :; done
                [ -d "$last" ] || last=$(dirname "$last")
                echo "$(id -u):$(id -G) $(stat -c '%a %u' "$last")" >>"\(folder.path)/told"
                exec /usr/bin/\(name) "$@"
                """
            try folder.write(script, to: "text")
            // A process that another test starts just now would keep our descriptor for a moment, and what is open to be
            // written can't be run.
            try await run(["install", "-m", "755", folder.file("text"), folder.file(name)])
        }
        try folder.write("", to: "told")
        chmod(folder.file("told"), 0o666)
        chmod(folder.path, 0o755)
        return folder.path
    }

    @Test(.timeLimit(.minutes(2)))
    func theCopyIsPrivateAndGoneAtOnce() async throws {
        let (folder, temporary, tools) = (try TemporaryDirectory(), try TemporaryDirectory(), try TemporaryDirectory())
        let program = try await Self.ask(folder)
        try await program.end()
        let directory = try Self.open(
            folder.file("db"), copyIn: temporary, tools: try await Self.tellingTools(tools))
        #expect(try Self.names(temporary).isEmpty)
        #expect(directory.files.count == 2)
        for file in directory.files {
            let status = try Stat(file.file)
            #expect(status.linkCount == 0 && status.permissions == .ownerReadWrite)
        }
        let told = try String(contentsOfFile: tools.file("told"), encoding: .utf8).split(separator: "\n")
        #expect(told.count == 3 && told.allSatisfy { $0.hasSuffix(" 700 \(geteuid())") }, "\(told)")
        try FileManager.default.removeItem(atPath: folder.file("db/postgrey.db"))
        try folder.write(String(repeating: "nothing ", count: 100), to: "db/postgrey.db")
        #expect(throws: ImportError.self) { _ = try Self.open(folder.file("db"), copyIn: temporary) }
        #expect(try Self.names(temporary).isEmpty)
    }

    @Test(.timeLimit(.minutes(2)))
    func rootHasTheCopyReadByAnother() async throws {
        try #require(geteuid() == 0, "these tests run as root")
        let (folder, temporary, tools) = (try TemporaryDirectory(), try TemporaryDirectory(), try TemporaryDirectory())
        let program = try await Self.ask(folder)
        try await program.end()
        let descriptor = try FileDescriptor.open(
            folder.file("db"), .readOnly, options: [.directory, .closeOnExec])
        defer { try? descriptor.close() }
        let user = FileUser(65_534, group: 65_534)
        for path in [folder.file("db"), temporary.path] { chown(path, user.user, user.group) }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.file("db")) {
            chown(folder.file("db/\(name)"), user.user, user.group)
        }
        let path = try await Self.tellingTools(tools)
        let directory = try user.act {
            try PostgreyDirectory(
                directory: descriptor, name: "db", temporary: temporary.path, tools: path,
                user: ToolUser(user: user.user, group: user.group))
        }
        let told = try String(contentsOfFile: tools.file("told"), encoding: .utf8).split(separator: "\n")
        #expect(told.count == 3 && told.allSatisfy { $0 == "65534:65534 700 65534" }, "\(told)")
        #expect(try Self.read(directory).counts.triplets == 300)
        #expect(try Self.names(temporary).isEmpty)
    }

    @Test func aLinkIsNotFollowed() throws {
        let folder = try TemporaryDirectory()
        try folder.write("secret", to: "elsewhere")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("postgrey.db"), withDestinationPath: folder.file("elsewhere"))
        #expect(throws: ImportError.self) { _ = try Self.open(folder.path) }
    }

    @Test func aMissingToolIsNamed() throws {
        let folder = try TemporaryDirectory()
        try Data(Self.header(0x053162, 9)).write(to: URL(filePath: folder.file("postgrey.db")))
        let error = #expect(throws: ImportError.self) { _ = try Self.open(folder.path, tools: "/nowhere") }
        #expect(error?.code == .tool && error?.description.contains("db5.3-util") == true)
    }

    /// Each damage ends in an error or in entries, never in a crash, and nothing of the copy stays.
    @Test(.timeLimit(.minutes(2)))
    func damagedDatabases() async throws {
        let folder = try TemporaryDirectory()
        let program = try await Self.ask(folder)
        try await program.end()
        let path = folder.file("db/postgrey.db")
        let whole = try Data(contentsOf: URL(filePath: path))
        var random = SeededRandom(seed: 11)
        for round in 0..<12 {
            var damaged = whole
            if round < 4 {
                damaged = damaged.prefix(Int.random(in: 0..<damaged.count, using: &random))
            } else {
                for _ in 0..<40 {
                    damaged[Int.random(in: 20..<damaged.count, using: &random)] = UInt8.random(
                        in: 0...255, using: &random)
                }
            }
            try damaged.write(to: URL(filePath: path))
            do {
                let (_, counts) = try Self.read(try Self.open(folder.file("db")))
                #expect(counts.lines == counts.takenLines + counts.skippedLines + counts.leftOutLines)
            } catch let error as ImportError {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
