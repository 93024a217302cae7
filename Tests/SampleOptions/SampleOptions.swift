public import Engine
public import Greylist
import Storage

// For tests that mind only some of these values. They say nothing on what a fresh installation has: Settings does.

extension Rules {
    /// Rules with these numbers.
    public static func sample(
        delay: Int64 = 300, retryWindow: Int64 = 172_800, maxAge: Int64 = 3_024_000, clientCount: UInt32 = 0,
        maxPending: Int = 1_000_000, maxPendingPerNetwork: Int = 5_000
    ) -> Rules {
        Rules(
            delay: delay, retryWindow: retryWindow, maxAge: maxAge, clientCount: clientCount, maxPending: maxPending,
            maxPendingPerNetwork: maxPendingPerNetwork)
    }
}

extension PrefixLengths {
    /// Masks of these lengths.
    public static func sample(ipv4: Int = 24, ipv6: Int = 48, nat64Prefixes: [NAT64Prefix] = []) -> PrefixLengths {
        PrefixLengths(ipv4: ipv4, ipv6: ipv6, nat64Prefixes: nat64Prefixes)
    }
}

extension PolicyEngine.Options {
    /// Options under which everything is greylisted but clients that are logged in, and keys are digests.
    public static func sample() -> PolicyEngine.Options {
        PolicyEngine.Options(
            rules: .sample(), masks: .sample(), keys: .hashed, postgreyDigests: nil, autoWhitelistsAddresses: false,
            foldsRecipient: false, identity: .off, carriesMessages: true, fastLane: .sample(lane: .off), learns: true,
            greylistsNullSender: true, greylistsAuthenticated: false, defersOnStoreError: false,
            defersAtPendingLimit: false, observesOnly: false)
    }
}

extension FastLaneRules {
    /// Rules with these numbers.
    public static func sample(
        lane: FastLane = .all, earnDays: UInt32 = 4, earnRecipients: UInt32 = 2, earnUsers: UInt32 = 3,
        earnedMaxAge: Int64 = 7_776_000, learnedMaxAge: Int64 = 7_776_000
    ) -> FastLaneRules {
        FastLaneRules(
            lane: lane, earnDays: earnDays, earnRecipients: earnRecipients, earnUsers: earnUsers,
            earnedMaxAge: earnedMaxAge, learnedMaxAge: learnedMaxAge)
    }
}
