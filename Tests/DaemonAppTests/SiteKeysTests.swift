import Control
import Engine
import Foundation
import Greylist
import History
import LogOutput
import Programs
import Server
import Settings
import Storage
import TestSupport
import Testing
import WhitelistFiles

@testable import DaemonApp

@Suite("The keys of the site in the daemon")
struct SiteKeysTests {
    private let directory: TemporaryDirectory
    private var environment: [String: String] { ["STATE_DIRECTORY": directory.file("state")] }
    private var keyPath: String { directory.file("state/privacy.key") }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func plan(_ injections: [String]) throws -> Plan {
        try Plan(Configuration.load(injections: injections + ["service.identity=off"]), environment: environment)
    }

    @Test("without a setting that needs it there is no key, and everything is as before")
    func standard() throws {
        var plan = try plan([])
        try plan.readOrMakeSiteKeys(for: nil)
        #expect(plan.siteKeys == nil && plan.siteKeyFile == nil && plan.engine.options.keys == .hashed)
        #expect(plan.history?.siteKeys == nil && !FileManager.default.fileExists(atPath: keyPath))
        guard case .full = plan.logAddresses else {
            Issue.record("not everything is logged")
            return
        }
    }

    @Test("it is made at the first start, in the state directory, and read at the next")
    func made() throws {
        var first = try plan(["service.privacy=keyed", "log.log_addresses=hashed"])
        #expect(
            try first.warningOfSiteKeys(for: nil)
                == "service.privacy_key: \(keyPath): file does not exist: the start makes it, with a new key")
        try first.readOrMakeSiteKeys(for: nil)
        let keys = try #require(first.siteKeys)
        #expect(first.engine.options.keys == .keyed(SiteKeyring(keys, wasHashed: true)))
        #expect(first.ledger.keys == first.engine.options.keys && first.history?.siteKeys == keys)
        #expect(first.imports.site.hasSuffix("privacy keyed (key \(keys.current.mark))"))
        guard case .hashed = first.logAddresses else {
            Issue.record("addresses aren't hashed")
            return
        }
        #expect(
            first.warnings == [
                "service.privacy_key: \(keyPath): made, with a new key; servers that share a database need a copy of this file"
            ])
        var next = try plan(["service.privacy=keyed", "service.hash_grey_db=false"])
        try next.readOrMakeSiteKeys(for: nil)
        #expect(next.warnings == [] && next.engine.options.keys == .keyed(SiteKeyring(keys, wasHashed: false)))
        #expect(try next.warningOfSiteKeys(for: nil) == nil)
    }

    @Test("the log alone needs it, too, and keys of entries stay what they are")
    func logAlone() throws {
        var plan = try plan(["log.log_addresses=hashed"])
        try plan.readOrMakeSiteKeys(for: nil)
        #expect(plan.engine.options.keys == .hashed && plan.siteKeys != nil && plan.history?.siteKeys == plan.siteKeys)
        #expect(!plan.imports.site.contains("keyed"))
    }

    @Test("a relative path is refused, and so is a file that others may read")
    func refused() throws {
        let error = #expect(throws: PlanErrors.self) {
            try self.plan(["service.privacy=keyed", "service.privacy_key=a/b"])
        }
        #expect(error?.lines.count == 1)
        #expect(
            error?.lines.first?.hasSuffix("service.privacy_key: \"a/b\" is not an absolute path: begin it with /")
                == true)
        var plan = try plan(["service.privacy=keyed"])
        try plan.readOrMakeSiteKeys(for: nil)
        chmod(keyPath, 0o644)
        let attempts: [(inout Plan) throws -> Void] = [
            { try $0.readOrMakeSiteKeys(for: nil) }, { _ = try $0.warningOfSiteKeys(for: nil) },
            { try $0.readSiteKeys(through: .direct) },
        ]
        for attempt in attempts {
            let error = #expect(throws: ProgramError.self) { try attempt(&plan) }
            #expect(error?.status == .configuration && error?.messages.first?.contains("(mode 0644)") == true)
        }
    }

    @Test("a reload changes what the log shows, but makes no key")
    func logAddresses() throws {
        try directory.write("{}", to: "tprt.conf")
        let load: Reloader.Load = { (sources, _) throws(ProgramError) in
            do throws(SettingErrors) {
                return try sources.load { Array(try Data(contentsOf: URL(filePath: $0))) }
            } catch {
                throw ProgramError(error)
            }
        }
        let sources = SettingSources(files: [directory.file("tprt.conf")], injections: ["service.identity=off"])
        let loaded = try load(sources, .direct)
        let plan = try Plan(loaded, environment: environment)
        let reloader = Reloader(plan, of: loaded, from: sources, environment: environment, load: load)
        try directory.write(#"{"log": {"log_addresses": "domain"}}"#, to: "tprt.conf")
        let domain = reloader.read(Reload.Order())
        #expect(domain.reply.messages.contains("settings reloaded: log.log_addresses changed"))
        guard case .domain = domain.plan.logAddresses else {
            Issue.record("not domains")
            return
        }
        try directory.write(#"{"log": {"log_addresses": "hashed"}}"#, to: "tprt.conf")
        let hashed = reloader.read(Reload.Order())
        #expect(hashed.reply.warnings == ["log.log_addresses has changed: that takes a restart"])
        guard case .domain = hashed.plan.logAddresses else {
            Issue.record("not domains any more")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: keyPath))
    }

    @Test("a reload reads it again; where it is gone, the keys stay")
    func reload() throws {
        let load: Reloader.Load = { (_, _) throws(ProgramError) in
            do throws(SettingErrors) {
                return try Configuration.load(injections: ["service.privacy=keyed", "service.identity=off"])
            } catch {
                throw ProgramError(error)
            }
        }
        let loaded = try load(SettingSources(files: []), .direct)
        var plan = try Plan(loaded, environment: environment)
        try plan.readOrMakeSiteKeys(for: nil)
        let keys = try #require(plan.siteKeys)
        let reloader = Reloader(plan, of: loaded, from: SettingSources(files: []), environment: environment, load: load)
        #expect(reloader.permit.files.contains(keyPath))
        let same = reloader.read(Reload.Order())
        #expect(
            same.plan.siteKeys == keys && same.reply.status == 0
                && same.reply.messages == ["whitelists reloaded: 0 entries"])
        try Data(keys.rotated.text).write(to: URL(filePath: keyPath))
        let rotated = reloader.read(Reload.Order())
        #expect(rotated.plan.siteKeys?.other?.key == keys.current)
        #expect(rotated.plan.engine.options.keys != .keyed(SiteKeyring(keys, wasHashed: true)))
        #expect(rotated.reply.messages.contains("settings reloaded: service.privacy_key changed"))
        try FileManager.default.removeItem(atPath: keyPath)
        let gone = reloader.read(Reload.Order())
        #expect(gone.reply.status != 0 && gone.reply.warnings.contains("the settings stay as they were"))
        #expect(gone.reply.warnings[0].hasPrefix("service.privacy_key: \(keyPath): file does not exist"))
        #expect(gone.plan.siteKeys == rotated.plan.siteKeys)
        #expect(!FileManager.default.fileExists(atPath: keyPath))
    }
}
