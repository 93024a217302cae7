import Control
import Engine
import Foundation
import Greylist
import Programs
import Server
import Settings
import Storage
import StoreURLs
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@testable import DaemonApp

@Suite("Reading settings and whitelists anew")
struct ReloaderTests {
    /// A configuration file and a whitelist, and a reloader of what they said at first.
    private final class Stage {
        let directory: TemporaryDirectory
        let reloader: Reloader

        init(_ service: String = "", server: String = "") throws {
            directory = try TemporaryDirectory()
            let path = directory.file("tprt.conf")
            let load: Reloader.Load = { (sources, _) throws(ProgramError) in
                do throws(SettingErrors) {
                    return try sources.load { Array(try Data(contentsOf: URL(filePath: $0))) }
                } catch {
                    throw ProgramError(error)
                }
            }
            try Self.write("", server: "", to: directory)
            try Self.write(service, server: server, to: directory)
            let sources = SettingSources(files: [path])
            let loaded = try load(sources, .direct)
            let plan = try Plan(loaded, environment: ["STATE_DIRECTORY": "/s"])
            _ = (plan.whitelists.read(), plan.identity.read())
            reloader = Reloader(
                plan, of: loaded, from: sources, environment: ["STATE_DIRECTORY": "/s"], load: load)
        }

        func write(_ service: String, server: String = "") throws {
            try Self.write(service, server: server, to: directory)
        }

        private static func write(_ service: String, server: String, to directory: TemporaryDirectory) throws {
            try directory.write(
                "{\"service\": {\"identity\": \"off\"\(service.isEmpty ? "" : ", ")\(service)}, \"server\": {\(server)}}",
                to: "tprt.conf")
        }

        func write(networks: [String]) throws {
            let entries = networks.map { #"{"type": "ipv4_net", "net": "\#($0)"}"# }
            try directory.write("{\"list\": [\(entries.joined(separator: ","))]}", to: "wl.json")
        }

        var source: String { #""wl_sources": ["file://\#(directory.file("wl.json"))"]"# }
    }

    @Test("settings that may change while running do; those that can't are named")
    func settings() throws {
        let stage = try Stage()
        let before = stage.reloader.read(Reload.Order())
        #expect(before.reply == ControlReply(messages: ["whitelists reloaded: 0 entries"]))
        #expect(before.plan.engine.options.rules.delay == 300)

        try stage.write(
            #"""
            "grey_delay": "10m", "maintenance_interval": "2h", "grey_db": "lmdb:///other",
            "nat64_prefixes": ["2001:db8::/96"], "fold_recipient": true
            """#,
            server: #""threads": 2, "idle_timeout": "30m""#)
        let reading = stage.reloader.read(Reload.Order())
        #expect(
            reading.reply
                == ControlReply(
                    messages: [
                        "settings reloaded: service.grey_delay, service.nat64_prefixes, service.fold_recipient, "
                            + "service.maintenance_interval changed",
                        "whitelists reloaded: 0 entries",
                    ],
                    warnings: [
                        "server.idle_timeout has changed: that takes a restart",
                        "server.threads has changed: that takes a restart",
                        "service.grey_db has changed: that takes a restart",
                    ]))
        #expect(reading.plan.engine.options.rules.delay == 600)
        #expect(reading.plan.engine.options.masks.nat64Prefixes.map(\.length) == [96])
        #expect(reading.plan.engine.options.foldsRecipient)
        #expect(reading.plan.maintenance.rules.delay == 600)
        #expect(reading.plan.maintenance.interval == .seconds(7_200))
        #expect(reading.plan.options.threads == 1)
        #expect(reading.plan.greylist == .lmdb(path: "/s/tprt.lmdb"))

        try stage.write("")
        let back = stage.reloader.read(Reload.Order())
        #expect(back.reply.warnings == [])
        #expect(back.plan.engine.options.rules.delay == 300)
    }

    @Test(
        "where anything is wrong, the settings stay as they were, and the whitelists are read all the same",
        arguments: [
            (#""grey_delay": "1y""#, "service.grey_delay"), (#""grey_dely": "1m""#, "service.grey_dely"),
            (#""grey_delay": "10m", "ipv4_mask": 99"#, "service.ipv4_mask"),
            (#""grey_delay": "10m", "grey_db": "nonsense""#, "service.grey_db"),
            (#""grey_delay": "10m", "grey_text": "{nonsense}""#, "service.grey_text"),
            (#""grey_delay": "10m", "nat64_prefixes": ["2001:db8::1/96"]"#, "service.nat64_prefixes"),
            ("}", "not JSON"),
        ])
    func faults(service: String, named: String) throws {
        let stage = try Stage()
        try stage.write(stage.source)
        try stage.write(networks: ["192.0.2.1"])
        #expect(stage.reloader.read(Reload.Order()).whitelist.count == 1)
        try stage.write(service)
        try stage.write(networks: ["192.0.2.1", "192.0.2.2"])
        let reading = stage.reloader.read(Reload.Order())
        #expect(reading.reply.status == 78)
        #expect(reading.reply.messages == ["whitelists reloaded: 2 entries"])
        #expect(reading.reply.warnings.count == 2)
        #expect(reading.reply.warnings.first?.contains(named) == true)
        #expect(reading.reply.warnings.first?.contains(stage.directory.file("tprt.conf")) == true)
        #expect(reading.reply.warnings.last == "the settings stay as they were")
        #expect(reading.plan.engine.options.rules.delay == 300)
        #expect(reading.whitelist.count == 2)
    }

    @Test("what was just read does for a change, and for nothing else")
    func early() throws {
        let stage = try Stage()
        try stage.write(stage.source)
        try stage.write(networks: ["192.0.2.1"])
        let read = stage.reloader.read(Reload.Order()).plan.whitelists.read()
        try stage.write(networks: ["192.0.2.1", "192.0.2.2"])
        #expect(stage.reloader.read(Reload.Order(isForChange: true), unless: read).whitelist.count == 1)
        #expect(stage.reloader.read(Reload.Order(), unless: read).whitelist.count == 2)
    }

    @Test("what is taken with a word is told, and is no fault")
    func notes() throws {
        let stage = try Stage()
        try stage.write(stage.source)
        try stage.write(networks: ["192.0.2.1/24"])
        let reading = stage.reloader.read(Reload.Order())
        #expect(reading.reply.status == 0)
        #expect(reading.reply.warnings.count == 1)
        #expect(reading.reply.warnings.first?.hasSuffix("has host bits set: it was taken as 192.0.2.0/24") == true)
        try stage.write(stage.source + #", "grey_text": "wait %s s""#)
        let hinted = stage.reloader.read(Reload.Order())
        #expect(hinted.reply.status == 0)
        #expect(hinted.reply.warnings.first?.hasSuffix("\"%s\" is sent as it stands; write {wait}") == true)
    }

    @Test("a change of whitelists is no reason to read settings")
    func change() throws {
        let stage = try Stage()
        try stage.write(#""grey_delay": "10m""#)
        let reading = stage.reloader.read(Reload.Order(isForChange: true))
        #expect(reading.reply == ControlReply(messages: ["whitelists reloaded after a change: 0 entries"]))
        #expect(reading.plan.engine.options.rules.delay == 300)
    }

    @Test("what is wrong with whitelists is told by the status; what they lost can be accepted")
    func whitelists() throws {
        let stage = try Stage()
        try stage.write(stage.source)
        try stage.write(networks: ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        #expect(stage.reloader.read(Reload.Order()).reply.status == 0)
        try stage.write(networks: ["192.0.2.1"])
        let held = stage.reloader.read(Reload.Order())
        #expect(held.reply.status == 65)
        #expect(held.reply.warnings.count == 1)
        #expect(held.whitelist.count == 3)
        let taken = stage.reloader.read(Reload.Order(acceptsShrunk: true))
        #expect(taken.reply == ControlReply(messages: ["whitelists reloaded: 1 entry"]))
        #expect(taken.whitelist.count == 1)
    }

    @Test("an auto-whitelist with a database that was never opened takes a restart; in the same one it doesn't")
    func autoWhitelist() throws {
        let apart = #""awl_db": "lmdb:///apart""#
        let stage = try Stage(apart)
        try stage.write(apart + #", "awl_client_count": 5"#)
        let reading = stage.reloader.read(Reload.Order())
        #expect(reading.reply.warnings == ["service.awl_client_count has changed: that takes a restart"])
        #expect(reading.plan.engine.options.rules.clientCount == 0)
        #expect(reading.plan.maintenance.tables == [.greylist])
        let same = try Stage()
        try same.write(#""awl_client_count": 5"#)
        let changed = same.reloader.read(Reload.Order())
        #expect(changed.reply.warnings == [])
        #expect(changed.plan.engine.options.rules.clientCount == 5)
        #expect(changed.plan.maintenance.tables == [.greylist, .autoWhitelist])
    }

    @Test("so does a table of identities with a database that was never opened")
    func identityTable() throws {
        let apart = #""identity_db": "lmdb:///apart", "#
        let stage = try Stage(apart + #""identity": "off""#)
        try stage.write(apart + #""identity": "name""#)
        let reading = stage.reloader.read(Reload.Order())
        #expect(reading.reply.warnings == ["service.identity has changed: that takes a restart"])
        #expect(!reading.plan.hasIdentityTable)
        let same = try Stage(#""identity": "off""#)
        try same.write(#""identity": "name""#)
        let changed = same.reloader.read(Reload.Order())
        #expect(changed.reply.warnings.allSatisfy { !$0.contains("restart") })
        #expect(changed.plan.hasIdentityTable)
    }
}
