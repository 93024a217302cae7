import Control
import Engine
import Glibc
import Greylist
import NIOConcurrencyHelpers
import NIOPosix
import Programs
import Server
import Settings
import WhitelistFiles
import Whitelists

/// Reads settings and whitelists anew while the daemon serves.
///
/// Nothing is applied in halves: where anything is wrong with the settings, all of them stay as they are, and only the
/// whitelists are read.
final class Reloader: Sendable {
    /// What a reading brought.
    struct Reading: Sendable {
        /// The plan that is in force from now on.
        var plan: Plan
        var whitelist: Whitelist
        var identity: IdentitySources.Reading
        /// What is said of it.
        var reply: ControlReply
    }

    private struct State {
        var loaded: LoadedConfiguration
        var plan: Plan
    }

    /// Reads settings from where they come.
    typealias Load = @Sendable (SettingSources, FileAccess) throws(ProgramError) -> LoadedConfiguration

    private let sources: SettingSources
    private let environment: [String: String]
    private let load: Load
    private let state: NIOLockedValueBox<State>

    /// A reloader of a daemon that runs by that plan.
    ///
    /// - Parameters:
    ///   - sources: where the settings came from
    ///   - environment: what a plan makes of them depends on these variables
    init(
        _ plan: Plan, of loaded: LoadedConfiguration, from sources: SettingSources, environment: [String: String],
        load: @escaping Load
    ) {
        self.sources = sources.absolute
        self.environment = environment
        self.load = load
        state = NIOLockedValueBox(State(loaded: loaded, plan: plan))
    }

    /// What has to be reached for a reading.
    var permit: FilePermit {
        var permit = FilePermit(plan.whitelists)
        permit.files.formUnion(sources.files)
        permit.files.formUnion(plan.identity.locations)
        if let file = plan.siteKeyFile { permit.files.insert(file.path) }
        return permit
    }

    /// The plan that is in force.
    var plan: Plan { state.withLockedValue { $0.plan } }

    /// What is looked at now and then, as long as the settings want it.
    func watches(through files: FileAccess) -> [Reload.Watch] {
        [
            watch(every: { _ in .seconds(2) }, { $0.whitelists.haveChanged(through: files) }),
            watch(every: { $0.remoteWatchInterval }, { $0.whitelists.haveChangedRemotely() }),
            watch(every: { _ in .seconds(2) }, always: true, { $0.identity.haveChanged(through: files) }),
        ]
    }

    private func watch(
        every interval: @escaping @Sendable (Plan) -> Duration,
        always: Bool = false, _ haveChanged: @escaping @Sendable (Plan) -> Bool
    ) -> Reload.Watch {
        Reload.Watch(
            every: { interval(self.plan) },
            hasChanged: {
                let plan = self.plan
                guard plan.watchesWhitelists || always else { return false }
                return (try? await NIOThreadPool.singleton.runIfActive { haveChanged(plan) }) ?? false
            })
    }

    /// Reads what the order asks for.
    ///
    /// Blocks; one reading at a time.
    ///
    /// - Parameter early: whitelists that were just read, which do where these alone are asked for
    func read(
        _ order: Reload.Order, unless early: WhitelistSources.Reading? = nil, through files: FileAccess = .direct
    ) -> Reading {
        var reply = ControlReply()
        if !order.isForChange {
            do throws(ProgramError) {
                try readSettings(through: files, telling: &reply)
            } catch {
                reply.status = error.status.rawValue
                reply.warnings += error.messages + ["the settings stay as they were"]
            }
        }
        let plan = plan
        // A change of the one leaves the other alone, and isn't told as its change.
        let isAboutIdentity = order.isForChange && plan.identity.areOutdated(through: files)
        let isAboutLists = !isAboutIdentity || plan.whitelists.areOutdated(through: files)
        let lists =
            (order.isForChange ? early : nil)
            ?? plan.whitelists.read(acceptingShrunk: order.acceptsShrunk, through: files)
        let cause = order.isForChange ? " after a change" : ""
        if isAboutLists { reply.messages.append("whitelists reloaded\(cause): \(lists.size)") }
        if isAboutIdentity { reply.messages.append("identities and DNS servers reloaded after a change") }
        reply.warnings += lists.warnings
        if reply.status == 0, !lists.warnings.isEmpty { reply.status = ExitStatus.dataError.rawValue }
        // What is taken is no fault.
        reply.warnings += lists.notes
        let identity = plan.identity.read(acceptingShrunk: order.acceptsShrunk, through: files)
        if !order.isForChange || isAboutIdentity { reply.warnings += identity.warnings }
        return Reading(plan: plan, whitelist: lists.whitelist, identity: identity, reply: reply)
    }

    private func readSettings(through files: FileAccess, telling reply: inout ControlReply) throws(ProgramError) {
        let former = state.withLockedValue { $0 }
        let new = try load(sources, files)
        // What is wrong anywhere is said, also of what takes a restart.
        _ = try plan(of: new)
        var effective = new
        effective.configuration = former.loaded.configuration.taking(reloadableFrom: new.configuration)
        var restarting = Configuration.changes(from: effective.configuration, to: new.configuration).map(\.key)
        if former.plan.needsRestart(forClientCount: effective.configuration.service.awlClientCount) {
            effective.configuration.service.awlClientCount = former.loaded.configuration.service.awlClientCount
            restarting.append("service.awl_client_count")
        }
        let method = effective.configuration.service.identity
        if former.plan.needsRestart(forIdentity: method) {
            effective.configuration.service.identity = former.loaded.configuration.service.identity
            restarting.append("service.identity")
        }
        if former.plan.siteKeyFile == nil, effective.configuration.usesSiteKey {
            effective.configuration.log.logAddresses = former.loaded.configuration.log.logAddresses
            restarting.append("log.log_addresses")
        }
        var changed = Configuration.changes(from: former.loaded.configuration, to: effective.configuration).map(\.key)
        var plan = try plan(of: effective, after: former.plan)
        try plan.readSiteKeys(through: files)
        if plan.siteKeys != former.plan.siteKeys { changed.append("service.privacy_key") }
        state.withLockedValue { $0 = State(loaded: effective, plan: plan) }
        if !changed.isEmpty { reply.messages.append("settings reloaded: \(changed.joined(separator: ", ")) changed") }
        reply.warnings += restarting.map { "\($0) has changed: that takes a restart" } + plan.warnings
    }

    private func plan(of loaded: LoadedConfiguration, after former: Plan? = nil) throws(ProgramError) -> Plan {
        do throws(PlanErrors) {
            return try Plan(loaded, environment: environment, after: former)
        } catch {
            throw ProgramError(.configuration, error.lines)
        }
    }
}

extension Plan {
    /// Whether the auto-whitelist would need a database that wasn't opened at the start.
    fileprivate func needsRestart(forClientCount count: Int) -> Bool {
        engine.options.rules.clientCount == 0 && count > 0 && autoWhitelist != greylist
    }

    /// Likewise the table of identities.
    fileprivate func needsRestart(forIdentity method: IdentityMethod) -> Bool {
        !hasIdentityTable && method != .off && identityDatabase != greylist
    }
}

extension SettingSources {
    /// The same, wherever the process goes.
    fileprivate var absolute: SettingSources {
        var sources = self
        sources.files = files.map { file in
            if file.hasPrefix("/") { return file }
            guard let directory = getcwd(nil, 0) else { return file }
            defer { free(directory) }
            return "\(String(cString: directory))/\(file)"
        }
        return sources
    }
}
