import Control
import Engine
import Glibc
import Greylist
import History
import NIOPosix
import Programs
import Resolver
import Server
import Storage
import WhitelistFiles

extension DaemonMonitor {
    private static let hour: Int64 = 3_600
    private static let day: Int64 = 86_400

    /// How the daemon is: what it is made of, what is degraded, and what it has decided lately.
    func status() async -> DaemonStatus {
        let plan = reloader.plan
        var status = DaemonStatus(
            host: systemHostname(), version: Release.version, process: Int(getpid()), startedAt: startedAt.seconds,
            isObserving: plan.engine.options.observesOnly)
        let figures = await server.figures()
        note(store: figures, plan, &status)
        noteDNS(plan, &status)
        status.parts.append(
            .init(
                "Listeners", .working, "\(figures.connections.open) connections open",
                place: listeners.joined(separator: " ")))
        noteHistory(&status)
        noteLists(figures, &status)
        status.pending = maintenance.figures.store?.pending.count
        if historyPath != nil {
            status.lastHour = await decisions(of: Self.hour)
            status.lastDay = await decisions(of: Self.day)
        }
        return status
    }

    /// What was decided in the last seconds, as the history counts it; nil where that can't be read.
    private func decisions(of seconds: Int64) async -> DaemonStatus.Decisions? {
        guard let path = historyPath else { return nil }
        let now = now()
        let buckets = try? await NIOThreadPool.singleton.runIfActive {
            try HistoryReader(path: path, patience: 1).minutes(
                since: Timestamp(seconds: now.seconds - seconds), until: now, step: seconds)
        }
        guard let buckets else { return nil }
        return DaemonStatus.Decisions(
            passedAtOnce: buckets.reduce(0) { $0 + $1.passedAtOnce },
            passedAfterWaiting: buckets.reduce(0) { $0 + $1.passedAfterWaiting },
            deferred: buckets.reduce(0) { $0 + $1.deferred })
    }

    private func note(store figures: ServerFigures, _ plan: Plan, _ status: inout DaemonStatus) {
        let entries = Table.allCases.compactMap { table in
            maintenance.figures.entries(table).map { "\($0) in \(table.label)" }
        }
        let summary = entries.isEmpty ? "answers" : "answers; entries: \(entries.joined(separator: ", "))"
        guard figures.isStoreUnavailable else {
            return status.parts.append(.init("Store", .working, summary, place: plan.greylist.path ?? ""))
        }
        status.parts.append(.init("Store", .degraded, "unavailable", place: plan.greylist.path ?? ""))
        let fate = plan.engine.options.defersOnStoreError ? "has to wait" : "passes without waiting"
        status.problems.append(
            .init("The store is unavailable: new mail \(fate).", remedy: "The log says why: journalctl -u tprtd."))
    }

    private func noteDNS(_ plan: Plan, _ status: inout DaemonStatus) {
        guard plan.engine.options.identity == .spf else {
            return status.parts.append(.init("DNS", .off, "not asked (service.identity)"))
        }
        let counts = resolver.counts
        guard counts.isDown else {
            return status.parts.append(.init("DNS", .working, "\(counts.queries) questions asked"))
        }
        status.parts.append(.init("DNS", .degraded, "doesn't answer"))
        status.problems.append(
            .init(
                "The DNS doesn't answer: senders are known by their networks and names alone, so some wait longer.",
                remedy: "Look at the resolver with tprtctl dns test example.org."))
    }

    private func noteHistory(_ status: inout DaemonStatus) {
        guard let history else {
            return status.parts.append(.init("History", .off, "none is kept"))
        }
        let counts = history.counts
        let summary = "\(counts.attempts) attempts recorded since the start, \(counts.bytes >> 20) MiB"
        guard let failure = history.failure else {
            return status.parts.append(.init("History", .working, summary, place: history.path))
        }
        status.parts.append(.init("History", .degraded, summary, place: history.path))
        status.problems.append(.init("The history isn't recorded: \(failure).", remedy: "Mail isn't held up by that."))
    }

    private func noteLists(_ figures: ServerFigures, _ status: inout DaemonStatus) {
        let reloads = reload.figures
        let last = ReloadFigures.Result.allCases.max {
            (reloads.last[$0.rawValue]?.seconds ?? -1) < (reloads.last[$1.rawValue]?.seconds ?? -1)
        }
        let age = reloader.plan.whitelists.times.map { "; the newest file is of \(utcText($0.newest))" } ?? ""
        let summary = "\(figures.whitelistEntries) entries\(age)"
        guard last == .failed, reloads.last[ReloadFigures.Result.failed.rawValue] != nil else {
            return status.parts.append(.init("Whitelists", .working, summary))
        }
        status.parts.append(.init("Whitelists", .degraded, summary))
        status.problems.append(
            .init(
                "The last reload found something wrong, which stays as it was before.",
                remedy: "tprtctl reload says what."))
    }

    private func utcText(_ time: Timestamp) -> String {
        var seconds = time_t(time.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
