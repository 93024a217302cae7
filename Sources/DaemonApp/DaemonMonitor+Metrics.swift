import Engine
import Greylist
import History
import LogOutput
import Policy
import Programs
import Resolver
import SPF
import Server
import Storage
import WhitelistFiles

extension DaemonMonitor {
    /// What metrics tell of, now.
    func snapshot() async -> MetricsSnapshot {
        let (figures, identities, plan) = (await server.figures(), await ledger.figures(), reloader.plan)
        var snapshot = MetricsSnapshot()
        snapshot.decisions = figures.requests.decisions
        snapshot.requestDurations[.plain] = figures.requests.plainDurations
        snapshot.requestDurations[.dns] = figures.requests.dnsDurations
        snapshot.dns = dns(figures)
        snapshot.connections = connections(figures.connections)
        snapshot.store = storeFigures(figures)
        if let pending = maintenance.figures.store?.pending {
            snapshot.pending.count = pending.count
            for cause in PendingFigures.Drop.allCases {
                snapshot.pending.dropped[cause] = pending.dropped[cause.rawValue]
            }
        } else {
            snapshot.pending.count = nil
        }
        snapshot.pending.limit = plan.engine.options.rules.maxPending
        for kind in IdentityFigures.Class.allCases {
            snapshot.identities.count[kind] = identities.entries?[kind.rawValue]
        }
        for kind in LessonKind.allCases { snapshot.identities.learned[kind] = identities.lessons[kind.rawValue] }
        for cause in LessonRefusal.allCases { snapshot.identities.refused[cause] = identities.refused[cause.rawValue] }
        snapshot.identities.dropped = identities.dropped
        snapshot.lists = lists(figures, plan)
        if let history {
            let counts = history.counts
            snapshot.history.records[.case] = counts.cases
            snapshot.history.records[.attempt] = counts.attempts
            snapshot.history.records[.minute] = counts.minutes
            (snapshot.history.dropped, snapshot.history.bytes) = (counts.dropped, counts.bytes)
        } else {
            snapshot.history.bytes = nil
        }
        snapshot.lostLogLines = sink.dropped
        snapshot.clockJumps = clock.jumps
        snapshot.process = ProcessFigures(startedAt: Int(startedAt.seconds))
        snapshot.servingSince = Int(startedAt.seconds)
        snapshot.version = Release.version
        return snapshot
    }

    private func dns(_ figures: ServerFigures) -> MetricsSnapshot.DNS {
        let counts = resolver.counts
        var dns = MetricsSnapshot.DNS()
        dns.isUp = !counts.isDown
        for type in DNSRecordType.allCases {
            for outcome in ResolverCounts.QueryOutcome.allCases {
                dns.questions[type][outcome] = counts.questions(type, outcome)
            }
        }
        // What the loops don't know they ask the resolver for, which has a cache of its own.
        dns.cache[.hit] = figures.dnsCache.hits + counts.cache.hits
        dns.cache[.miss] = counts.cache.misses
        return dns
    }

    private func connections(_ figures: ConnectionFigures) -> MetricsSnapshot.Connections {
        var connections = MetricsSnapshot.Connections()
        (connections.open, connections.accepted) = (figures.open, figures.accepted)
        for cause in ConnectionFigures.Rejection.allCases {
            connections.rejected[cause] = figures.rejected[cause.rawValue]
        }
        for kind in PolicyError.Kind.allCases { connections.protocolErrors[kind] = figures.errors[kind.rawValue] }
        return connections
    }

    private func storeFigures(_ figures: ServerFigures) -> MetricsSnapshot.Store {
        var store = MetricsSnapshot.Store()
        store.isUp = !figures.isStoreUnavailable
        store.openBreakers = figures.openBreakers
        store.operations[.update][.answered] = figures.batches.answered
        store.operations[.update][.failed] = figures.batches.failed
        store.operations[.update][.late] = figures.batches.late
        store.durations[.update] = figures.requests.storeDurations
        for operation in CountedStore.Operation.allCases {
            guard let label = StoreOperation(rawValue: "\(operation.text)") else { continue }
            let counted = self.store.operations[operation.rawValue]
            store.operations[label][.answered] = counted.succeeded
            store.operations[label][.failed] = counted.failed
            store.durations[label] = counted.durations
        }
        let known = maintenance.figures
        for table in Table.allCases { store.entries[table] = known.entries(table) }
        store.bytes[.greylist] = known.store?.files.map { $0.database + $0.journal }
        for table in Table.allCases.dropFirst() { store.bytes[table] = nil as Int? }
        for cause in ServerFigures.WithoutStore.allCases {
            store.unanswered[cause] = figures.withoutStore[cause.rawValue]
        }
        return store
    }

    private func lists(_ figures: ServerFigures, _ plan: Plan) -> MetricsSnapshot.Lists {
        var lists = MetricsSnapshot.Lists()
        lists.whitelistEntries = figures.whitelistEntries
        let reloads = reload.figures
        for result in ReloadFigures.Result.allCases {
            lists.reloads[result] = reloads.counts[result.rawValue]
            lists.reloadTimes[result] = Int(reloads.last[result.rawValue]?.seconds ?? 0)
        }
        lists.changeTimes[.whitelists] = Int(plan.whitelists.times?.newest.seconds ?? 0)
        lists.changeTimes[.publicSuffixes] = Int(plan.identity.suffixListTimes?.newest.seconds ?? 0)
        lists.changeTimes[.sharedIdentities] = Int(plan.identity.sharedIdentityTimes?.newest.seconds ?? 0)
        return lists
    }
}
