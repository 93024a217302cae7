import Domains
import Foundation
import Greylist
import Resolver
import Settings
import TestSupport
import Testing
import WhitelistFiles

@testable import DaemonApp

@Suite("The files that tell who a client is")
struct IdentitySourcesTests {
    private let directory: TemporaryDirectory
    private var service = Configuration.Service()

    init() throws {
        directory = try TemporaryDirectory()
        service.sharedIdentities = [directory.file("vendor"), directory.file("local")]
        service.dnsResolvConf = directory.file("resolv.conf")
        try directory.write("nameserver 192.0.2.53\n", to: "resolv.conf")
        try directory.write("shared freemail.example\nshared other.example\ntenant hosts.example\n", to: "vendor")
    }

    private func organisation(_ name: String, _ reading: IdentitySources.Reading) -> String? {
        reading.organisations.organisation(of: Array(name.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("What they say counts, the administrator's file last; one that was never there is no fault")
    func read() throws {
        let sources = try IdentitySources(service)
        let first = sources.read()
        #expect(first.warnings == [])
        #expect(
            first.organisations.shared.entries.map(\.domain) == [
                "freemail.example", "other.example", "hosts.example",
            ])
        #expect(organisation("a.b.hosts.example", first) == "b.hosts.example")
        #expect(first.resolver.servers.map(\.description) == ["192.0.2.53"])
        try directory.write("!freemail.example\n", to: "local")
        #expect(sources.read().organisations.shared.entries.map(\.domain) == ["other.example", "hosts.example"])
    }

    @Test("When the lists were changed is known; one that isn't there has no time")
    mutating func times() throws {
        service.publicSuffixList = directory.file("suffixes")
        let sources = try IdentitySources(service)
        #expect(sources.sharedIdentityTimes == nil)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000)], ofItemAtPath: directory.file("vendor"))
        _ = sources.read()
        #expect(sources.suffixListTimes == nil)
        #expect(sources.sharedIdentityTimes?.oldest == Timestamp(seconds: 1_000))
        for (name, seconds) in [("local", 2_000), ("suffixes", 3_000)] {
            try directory.write("// nothing\n", to: name)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: directory.file(name))
        }
        _ = sources.read()
        #expect(sources.suffixListTimes?.newest == Timestamp(seconds: 3_000))
        #expect(sources.sharedIdentityTimes?.oldest == Timestamp(seconds: 1_000))
        #expect(sources.sharedIdentityTimes?.newest == Timestamp(seconds: 2_000))
    }

    @Test("A file that becomes missing, empty or HTML keeps what it said", arguments: [nil, "", "<html>no</html>\n"])
    func lastGood(_ text: String?) throws {
        let sources = try IdentitySources(service)
        _ = sources.read()
        if let text {
            try directory.write(text, to: "vendor")
        } else {
            try FileManager.default.removeItem(atPath: directory.file("vendor"))
        }
        let second = sources.read()
        #expect(second.warnings.count == 1)
        #expect(second.warnings.first?.contains(directory.file("vendor")) == true)
        #expect(second.organisations.shared.entries.count == 3)
        // Other settings with the same files know it, too.
        let other = try IdentitySources(service, after: sources)
        #expect(other.read().organisations.shared.entries.count == 3)
    }

    @Test("A public suffix list that is missing, empty or HTML is named, and libpsl's own is used")
    func suffixes() throws {
        var service = service
        for text in [nil, "", "<html>"] {
            service.publicSuffixList = directory.file(
                "suffixes \(text ?? "none")".replacingOccurrences(of: "<", with: ""))
            if let text { try Data(text.utf8).write(to: URL(filePath: service.publicSuffixList)) }
            let reading = try IdentitySources(service).read()
            #expect(reading.warnings.count == 1)
            #expect(reading.warnings.first?.contains(service.publicSuffixList) == true)
            #expect(organisation("a.b.co.uk", reading) == "b.co.uk")
        }
    }

    @Test("Without any shared identities it says what that means")
    func noSharedIdentities() throws {
        var service = service
        service.sharedIdentities = [directory.file("none")]
        let warnings = try IdentitySources(service).read().warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("no shared identities are known (service.shared_identities)") == true)
    }

    @Test("Servers of the settings count, else those of resolv.conf, else the local one or those before")
    func servers() throws {
        var service = service
        let sources = try IdentitySources(service)
        _ = sources.read()
        try FileManager.default.removeItem(atPath: service.dnsResolvConf)
        let later = sources.read()
        #expect(later.resolver.servers.map(\.description) == ["192.0.2.53"])
        let warning = "service.dns_resolv_conf: \(service.dnsResolvConf): file does not exist; asking"
        #expect(later.warnings == ["\(warning) 192.0.2.53"])
        #expect(try IdentitySources(service).read().warnings == ["\(warning) 127.0.0.1"])
        service.dnsServers = ["127.0.0.1:5353", "[::1]:53"]
        let named = try IdentitySources(service).read()
        #expect(named.warnings == [])
        #expect(named.resolver.servers.map(\.description) == ["127.0.0.1:5353", "::1"])
        service.dnsServers = ["dns.example"]
        let fault = #expect(throws: DNSServerError.self) { try IdentitySources(service) }
        #expect(fault?.description.hasPrefix("invalid DNS server \"dns.example\"") == true)
    }

    @Test("A change is noticed when it has lasted from one look to the next; switched off nothing is read")
    func changes() throws {
        var service = service
        let sources = try IdentitySources(service)
        _ = sources.read()
        #expect(!sources.haveChanged() && !sources.haveChanged() && !sources.areOutdated())
        try directory.write("nameserver 192.0.2.54\n# other\n", to: "resolv.conf")
        #expect(sources.areOutdated())
        #expect(!sources.haveChanged())
        #expect(sources.haveChanged())
        #expect(sources.read().resolver.servers.map(\.description) == ["192.0.2.54"])
        #expect(!sources.haveChanged() && !sources.areOutdated())
        // Whitelists may ask the DNS, too.
        service.identity = .name
        let names = try IdentitySources(service, after: sources)
        #expect(names.locations.contains(service.dnsResolvConf))
        service.identity = .off
        service.publicSuffixList = "/nonexistent"
        let off = try IdentitySources(service, after: sources)
        #expect(off.locations == [])
        #expect(off.read().warnings == [])
    }
}
