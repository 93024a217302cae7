import Domains
import Engine
import FileCalls
import Greylist
import JSONText
import Programs
import Settings
import Storage
import TrustedFiles
import WhitelistFiles
import Whitelists

/// Settings under which mail is replayed: the configuration that says them, with its whitelists and lists, read.
struct SimulatedSettings {
    /// The settings.
    let configuration: Configuration
    /// What judges by them.
    let engine: PolicyEngine
    /// How many organisations its table of identities keeps.
    let maxOrganisations: Int
    /// What is wrong with whitelists and lists, a sentence each; the rest counts.
    let faults: [String]

    /// Those of how mail is judged.
    var service: Configuration.Service { configuration.service }
}

extension SimulatedSettings {
    /// The settings of these files.
    ///
    /// - Throws: where they can't be read, or are wrong, as the daemon would say it
    init(files: [String], environment: [String: String]) throws(ProgramError) {
        let loaded: LoadedConfiguration
        do throws(SettingErrors) {
            loaded = try SettingSources(files: files, environment: environment).load {
                try contents(of: $0, limit: ConfigurationFile.sizeLimit)
            }
        } catch {
            throw ProgramError(error)
        }
        try self.init(loaded)
    }

    /// What these settings mean.
    init(_ loaded: LoadedConfiguration) throws(ProgramError) {
        let service = loaded.configuration.service
        var messages: [String] = []
        func attempt<Value>(_ key: String, _ make: () throws -> Value) -> Value? {
            do {
                return try make()
            } catch {
                messages.append("\(loaded.origin(of: key)): \(key): \(error)")
                return nil
            }
        }
        let prefixes = attempt("service.nat64_prefixes") { try service.nat64Prefixes.map { try NAT64Prefix($0) } }
        let whitelists = attempt("service.wl_sources") {
            try WhitelistSources(
                urls: service.wlSources, options: SourceOptions(allowsPatterns: service.allowWlRegex)
            ) { (url) throws(WhitelistError) in
                try RemoteWhitelists.source(at: url) { _ in }
            }
        }
        var wording: Wording?
        do throws(Wording.ParseError) {
            wording = try Wording(service)
        } catch {
            let (key, fault) = error.place
            messages.append("\(loaded.origin(of: key)): \(key): \(fault)")
        }
        guard messages.isEmpty, let prefixes, let whitelists, let wording else {
            throw ProgramError(.configuration, messages)
        }
        // What other programs have left isn't there, and as digests keys take least room.
        let options = PolicyEngine.Options(
            service, prefixes, nil, .hashed, hasIdentityTable: service.identity != .off)
        let reading = whitelists.read()
        var faults = reading.warnings
        let engine = PolicyEngine(
            options: options, wording: wording, whitelist: reading.whitelist,
            organisations: Self.organisations(service, &faults))
        self.init(
            configuration: loaded.configuration, engine: engine, maxOrganisations: service.maxIdentities, faults: faults
        )
    }

    private static func organisations(_ service: Configuration.Service, _ faults: inout [String]) -> Organisations {
        guard service.identity != .off else { return Organisations() }
        var suffixes = PublicSuffixList.builtIn()
        let text = try? contents(of: service.publicSuffixList, limit: PublicSuffixList.sizeLimit)
        let path = bareOrQuoted(service.publicSuffixList)
        switch suffixes.reloaded(from: text, path: path, acceptingShrunk: true) {
        case .replaced(let list): suffixes = list
        case .kept(let message): faults.append(message)
        }
        return Organisations(suffixes: suffixes, shared: service.sharedIdentities())
    }
}
