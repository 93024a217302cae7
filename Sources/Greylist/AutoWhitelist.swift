/// The auto-whitelist: a client that has passed often enough is no longer greylisted.
extension Sighting {
    /// Whether the client has passed often enough, and recently enough, to be let through unseen.
    public func isAutoWhitelisted(at now: Timestamp, under rules: Rules) -> Bool {
        rules.clientCount > 0 && passes >= rules.clientCount && !isExpired(at: now, under: rules)
    }

    /// The entry with its last use moved to now, or nil while that isn't worth a write.
    ///
    /// Without it a client in daily use would fall off the list when `maxAge` is over.
    func refreshed(at now: Timestamp, under rules: Rules) -> Sighting? {
        guard isUseOutdated(at: now, under: rules) else { return nil }
        return Sighting(passes: passes, first: first, last: now)
    }
}

/// One more first pass of this client; nil where it isn't counted: the auto-whitelist is off, or it was counted less than
/// an hour ago.
///
/// So a single message to many recipients earns no more than one to a single recipient. A forgotten client is counted
/// from 1.
public func countPass(of client: Sighting?, at now: Timestamp, under rules: Rules) -> Sighting? {
    guard rules.clientCount > 0 else { return nil }
    guard let client, !client.isExpired(at: now, under: rules) else { return Sighting(firstAt: now).passing(at: now) }
    // A moment in the future is another server's clock where it is near, and a clock that was set where it is far.
    guard max(now.since(client.last), client.last.since(now)) >= secondsBetweenCounts else { return nil }
    return client.passing(at: now)
}

/// postgrey's figure.
private let secondsBetweenCounts: Int64 = 3_600
