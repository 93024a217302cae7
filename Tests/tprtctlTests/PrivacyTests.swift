import Foundation
import JSONText
import Programs
import Settings
import Storage
import TestSupport
import Testing

@testable import tprtctl

@Suite("What is kept of whom")
struct PrivacyTests {
    private let directory: TemporaryDirectory
    private var state: StateDirectory { StateDirectory(environment: ["STATE_DIRECTORY": directory.path]) }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func report(_ change: (inout Configuration) -> Void = { _ in }) -> PrivacyReport {
        var configuration = Configuration()
        change(&configuration)
        return PrivacyReport(configuration, in: state)
    }

    private func item(_ name: String, _ change: (inout Configuration) -> Void = { _ in }) -> PrivacyReport.Item? {
        report(change).items.first { $0.name == name }
    }

    @Test("a fresh installation")
    func defaults() {
        let report = report()
        #expect(
            report.items.map(\.name) == ["greylist", "organisations", "correspondents", "history", "log", "quarantine"])
        #expect(
            report.advice.map(\.setting) == [
                "service.privacy", "service.learn", "service.history_addresses", "log.log_addresses",
            ])
        #expect(report.key == .unused)
        let greylist = report.items[0]
        #expect(greylist.place == "lmdb://\(directory.path)/tprt.lmdb")
        #expect(greylist.form == "digests that can be tried (SHA-1)")
        #expect(greylist.kept == "2 days after a first attempt, 35 days after the last pass")
        #expect(report.text.hasPrefix("greylist: lmdb://\(directory.path)/tprt.lmdb\n  what:   "))
        #expect(report.text.contains("\n\nmore than greylisting needs:\n  - service.privacy: \"keyed\"\n"))
        #expect(report.text.split(separator: "\n").allSatisfy { $0.count <= 78 || $0.contains("/") })
    }

    @Test("a site that keeps as little as greylisting needs")
    func least() throws {
        let change = { @Sendable (configuration: inout Configuration) in
            configuration.service.privacy = .keyed
            configuration.service.learn = false
            configuration.service.historyAddresses = .hashed
            configuration.log.logAddresses = .hashed
        }
        let report = report(change)
        #expect(report.advice == [] && report.key == .missing)
        #expect(!report.text.contains("more than"))
        #expect(report.text.hasSuffix("key of the site: \(directory.path)/privacy.key (missing)"))
        _ = try SiteKeyFile(path: directory.file("privacy.key")).readOrMake()
        #expect(self.report(change).key == .present)
        for name in ["greylist", "history", "log"] {
            #expect(item(name, change)?.form.contains("under the key of the site") == true)
        }
    }

    @Test("each setting shows")
    func settings() {
        #expect(item("greylist") { $0.service.hashGreyDb = false }?.form == "plain text")
        #expect(report { $0.service.hashGreyDb = false }.advice[0].reason.contains("can read"))
        #expect(item("greylist") { $0.service.greyDb = "redis://:secret@h/3" }?.place.contains("secret") == false)
        #expect(item("auto-whitelist") == nil)
        #expect(
            item("auto-whitelist") { ($0.service.awlClientCount, $0.service.awlBy) = (5, .address) }?.holds.hasPrefix(
                "addresses") == true)
        #expect(item("organisations") { $0.service.fastLane = .correspondents } == nil)
        #expect(item("correspondents") { $0.service.learn = false } == nil)
        #expect(item("correspondents") { $0.service.identity = .off } == nil)
        #expect(item("history") { $0.service.historyDb = "" } == nil)
        #expect(item("history") { $0.service.historyAddresses = .domain }?.holds.hasPrefix("domains of") == true)
        #expect(item("history") { $0.service.historyAddresses = .hashed }?.form.contains("which can be tried") == true)
        #expect(item("page") == nil && item("metrics") == nil)
        #expect(item("page") { $0.server.httpListen = "inet:127.0.0.1:1" } != nil)
        #expect(item("metrics") { $0.server.httpListen = "inet:127.0.0.1:1" } != nil)
        #expect(item("log") { $0.log.logLevel = 1 } == nil && item("log") { $0.log.logType = .none } == nil)
        #expect(item("log") { ($0.log.logType, $0.log.logFile) = (.file, "/l") }?.place == "/l")
        #expect(item("quarantine") { ($0.service.greyDb, $0.service.historyDb) = ("memory:", "") } == nil)
        #expect(report { $0.log.logLevel = 3 }.advice.last?.setting == "log.log_level")
        #expect(
            report { $0.service.postgreyDigests = "24/64" }.advice.contains { $0.setting == "service.postgrey_digests" }
        )
    }

    @Test("every setting that is named is one")
    func names() {
        let report = report { configuration in
            configuration.service.awlClientCount = 5
            configuration.server.httpListen = "inet:127.0.0.1:1"
            configuration.service.postgreyDigests = "24/64"
            configuration.log.logLevel = 3
        }
        let names = Set(Configuration.fields.map(\.name))
        for item in report.items { #expect(Set(item.settings).isSubset(of: names), "\(item.settings)") }
        for advice in report.advice { #expect(Configuration.field(advice.setting) != nil) }
        guard case .object(let members) = report.json, case .array(let items)? = members["items"] else {
            Issue.record("no object")
            return
        }
        #expect(items.count == report.items.count && members["key"] != nil && members["advice"] != nil)
    }

    // MARK: Rotation

    private var file: SiteKeyFile { SiteKeyFile(path: directory.file("privacy.key")) }

    @Test("the first key is made, then replaced, and the one that was stays")
    func rotation() throws {
        let made = try KeyRotation(of: file, preparing: false)
        let first = try #require(try file.read())
        #expect(made.step == .made && first.other == nil)
        #expect(made.text.hasPrefix("\(file.path): made, with key \(first.current.mark)\n"))
        let rotated = try KeyRotation(of: file, preparing: false)
        let second = try #require(try file.read())
        #expect(rotated.step == .rotated && second.other?.key == first.current && second.other?.role == .former)
        // What is printed says nothing of them.
        for text in [made.text, made.json.text, rotated.text, rotated.json.text] {
            for line in second.text.split(separator: UInt8(ascii: "\n"))
                + first.text.split(separator: UInt8(ascii: "\n"))
            {
                let digits = String(decoding: line.split(separator: UInt8(ascii: " ")).last ?? [], as: UTF8.self)
                if digits.count == 64 { #expect(!text.contains(digits.prefix(8))) }
            }
        }
        #expect(directory.names == ["privacy.key"])
        var status = stat()
        #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test("for several servers the next key is made first, and once")
    func preparation() throws {
        let first = try file.readOrMake().keys
        #expect(try KeyRotation(of: file, preparing: true).step == .prepared)
        let prepared = try #require(try file.read())
        #expect(prepared.current == first.current && prepared.other?.role == .next)
        let error = try #require(throws: ProgramError.self) { _ = try KeyRotation(of: file, preparing: true) }
        #expect(error.status == .dataError && error.messages[0].contains("is prepared already"))
        #expect(try KeyRotation(of: file, preparing: false).step == .rotated)
        let rotated = try #require(try file.read())
        #expect(rotated.current == prepared.other?.key && rotated.other?.key == first.current)
    }

    @Test("a file that isn't one of ours stays as it is")
    func foreign() throws {
        try directory.write("current x\n", to: "privacy.key")
        chmod(file.path, 0o600)
        #expect(throws: ProgramError.self) { _ = try KeyRotation(of: file, preparing: false) }
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "current x\n")
        let relative = try #require(throws: ProgramError.self) {
            _ = try KeyRotation(of: SiteKeyFile(path: "privacy.key"), preparing: false)
        }
        #expect(relative.status == .configuration)
    }
}
