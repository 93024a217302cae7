import FileCalls
import Glibc
import Greylist
import Programs
import Settings
import Storage
import SystemPackage
import TestSupport
import Testing
import WhitelistFiles

@Suite("The file with the keys of the site")
struct SiteKeyFileTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("privacy.key") }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func write(_ text: [UInt8], mode: CInterop.Mode = 0o600) throws {
        try directory.write(String(decoding: text, as: UTF8.self), to: "privacy.key")
        try FileNames.setPermissions(path, FilePermissions(rawValue: mode))
    }

    private func refusal(through access: FileAccess? = nil) throws -> ProgramError {
        try #require(throws: ProgramError.self) { _ = try SiteKeyFile(path: path).read(through: access) }
    }

    @Test("it is made once, for its owner alone, and nothing is left beside it")
    func made() throws {
        let file = SiteKeyFile(path: path)
        #expect(try file.read() == nil && file.presence == false)
        let (keys, isNew) = try file.readOrMake()
        #expect(isNew && file.presence == true)
        let status = try Stat(path)
        #expect(status.permissions == .ownerReadWrite && status.linkCount == 1)
        let again = try file.readOrMake()
        #expect(again.keys == keys && !again.isNew)
        #expect(try file.read(through: .direct) == keys)
        #expect(try FileNames.names(in: directory.path).filter { !$0.hasSuffix(".") } == ["privacy.key"])
    }

    @Test("programs that make it at the same time have the same keys")
    func atOnce() async throws {
        let path = path
        for round in 0..<20 {
            let keys = try await withThrowingTaskGroup(of: (SiteKeys, Bool).self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let made = try SiteKeyFile(path: "\(path)\(round)").readOrMake()
                        return (made.keys, made.isNew)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(keys.allSatisfy { $0.0 == keys[0].0 } && keys.filter(\.1).count == 1)
        }
    }

    @Test(
        "others may neither read nor change it",
        arguments: [0o640, 0o644, 0o604, 0o620, 0o602, 0o660, 0o601] as [CInterop.Mode])
    func mode(_ mode: CInterop.Mode) throws {
        try write(SiteKeys(current: .random()).text, mode: mode)
        for access in [nil, FileAccess.direct] {
            let error = try refusal(through: access)
            #expect(error.status == .configuration)
            #expect(
                error.messages == [
                    "service.privacy_key: \(path): others may read or change it (mode 0\(String(mode, radix: 8))): "
                        + "chmod 600 \(path); where they may have read it, tprtctl privacy rotate makes another key"
                ])
        }
    }

    @Test("what is no key is refused, and nothing of it is quoted")
    func garbage() throws {
        let secret = String(repeating: "5e", count: 31)
        for (text, part) in [
            ("", "it has no current key"), ("current \(secret)\n", "line 1: expected"),
            (String(repeating: "# \(secret)\n", count: 100), "has more than 4096 bytes"),
            ("\u{0}\u{1}", "line 1: expected"),
        ] {
            try write(Array(text.utf8))
            let error = try refusal()
            #expect(error.status == .configuration)
            #expect(error.messages.count == 1 && error.messages[0].contains(part), "\(error.messages)")
            #expect(error.messages[0].contains("every sender waits once"))
            #expect(!error.messages[0].contains("5e5e"))
        }
    }

    @Test("a directory or a pipe is none, and doesn't keep the reader waiting")
    func kinds() throws {
        try FileNames.makeDirectory(path, .ownerReadWriteExecute)
        #expect(try refusal().messages[0].contains("is not a regular file"))
        try #require(rmdir(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(try refusal().messages[0].contains("is not a regular file"))
    }

    @Test("where it can't be made the remedy is said")
    func places() throws {
        let missing = try #require(throws: ProgramError.self) {
            _ = try SiteKeyFile(path: directory.file("none/privacy.key")).readOrMake()
        }
        #expect(missing.status == .cannotCreate && missing.messages[0].hasSuffix(": create its directory"))
        let file = try directory.write("", to: "text")
        let inFile = try #require(throws: ProgramError.self) {
            _ = try SiteKeyFile(path: "\(file)/privacy.key").readOrMake()
        }
        #expect(inFile.messages[0].hasPrefix("service.privacy_key: \(file)/privacy.key: "))
    }

    @Test("which settings need it, and what they make of it")
    func settings() throws {
        let state = StateDirectory(environment: ["STATE_DIRECTORY": directory.path])
        var configuration = Configuration()
        #expect(SiteKeyFile(configuration, in: state) == nil)
        #expect(try SiteKeyFile.keys(of: configuration, in: state) == nil)
        #expect(KeyScheme(configuration.service, nil) == .hashed)
        configuration.service.hashGreyDb = false
        #expect(KeyScheme(configuration.service, nil) == .plain)
        configuration.log.logAddresses = .hashed
        #expect(SiteKeyFile(configuration, in: state) == SiteKeyFile(path: path))
        configuration.log.logAddresses = .domain
        configuration.service.privacy = .keyed
        #expect(SiteKeyFile(configuration, in: state) == SiteKeyFile(path: path))
        let error = try #require(throws: ProgramError.self) { _ = try SiteKeyFile.keys(of: configuration, in: state) }
        #expect(error.status == .noInput)
        let keys = try SiteKeyFile(path: path).readOrMake().keys
        #expect(try SiteKeyFile.keys(of: configuration, in: state) == keys)
        #expect(KeyScheme(configuration.service, keys) == .keyed(SiteKeyring(keys, wasHashed: false)))
        let site = try SiteSettings(configuration.service, keys)
        #expect(site.description.hasSuffix("awl_by network, privacy keyed (key \(keys.current.mark))"))
        #expect(try SiteSettings(configuration.service, keys.rotated).description != site.description)
    }
}
