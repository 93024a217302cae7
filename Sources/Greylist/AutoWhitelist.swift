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
        guard now.since(last) > rules.maxAge / 32 else { return nil }
        return Sighting(passes: passes, first: first, last: now)
    }
}

/// One more pass of this client; nil where the auto-whitelist is off.
///
/// A forgotten client is counted from 1.
public func countPass(of client: Sighting?, at now: Timestamp, under rules: Rules) -> Sighting? {
    guard rules.clientCount > 0 else { return nil }
    guard let client, !client.isExpired(at: now, under: rules) else { return Sighting(firstAt: now).passing(at: now) }
    return client.passing(at: now)
}
