extension Configuration {
    /// The section `service`.
    public struct Service: Sendable, Equatable {
        /// Whether decisions are enforced or only observed.
        public var mode = Mode.enforce
        /// The name of this host in the header; empty: the system's.
        public var greyHostname = ""
        /// How long a new sender must wait.
        public var greyDelay = Duration.seconds(300)
        /// How long a first attempt waits for its retry.
        public var greyRetryWindow = Duration.seconds(172_800)
        /// How long an entry lives after its last use.
        public var greyMaxAge = Duration.seconds(3_024_000)
        /// How many leading bits of an IPv4 address name a client.
        public var ipv4Mask = 24
        /// How many leading bits of an IPv6 address name a client.
        public var ipv6Mask = 48
        /// The site's own NAT64 prefixes.
        public var nat64Prefixes: [String] = []
        /// Whether a recipient is known without its extension.
        public var foldRecipient = false
        /// The action of a reply that greylists.
        public var greyAction = "DEFER_IF_PERMIT"
        /// The text after that action; `{wait}` stands for the seconds left.
        public var greyText = "Greylisted, please retry in {wait} seconds"
        /// The header of mail that waited; knows `{delay}`, `{hostname}` and `{date}`.
        public var greySmtpHeader = "X-Greylist: delayed {delay} seconds at {hostname}; {date}"
        /// Whether the null sender is greylisted.
        public var greylistNullSender = true
        /// Whether clients that have logged in are greylisted.
        public var greylistAuthenticated = false
        /// The URL of the greylist database.
        public var greyDb = "lmdb://{state_dir}/tprt.lmdb"
        /// Whether another instance expires the greylist database.
        public var greyDbMaintenanceDisable = false
        /// Whether database keys are hashed.
        public var hashGreyDb = true
        /// What Redis keys begin with.
        public var keyPrefix = ""
        /// How many passes put a client on the auto-whitelist; 0: none do.
        public var awlClientCount = 0
        /// By what the auto-whitelist knows a client.
        public var awlBy = ClientIdentity.network
        /// The URL of the auto-whitelist database; empty: where the greylist is.
        public var awlDb = ""
        /// Whether another instance expires the auto-whitelist database.
        public var awlDbMaintenanceDisable = false
        /// The time between maintenance passes.
        public var maintenanceInterval = Duration.seconds(3600)
        /// When a decision is on disk.
        public var durability = Durability.commit
        /// The time between writes to disk, with `Durability.interval`.
        public var syncInterval = Duration.milliseconds(200)
        /// The answer while the database is out of reach.
        public var onStoreError = WithoutRecord.dunno
        /// How soon the database must have answered.
        public var storeDeadline = Duration.seconds(2)
        /// What stands in for a database that is out of reach.
        public var storeFallback = StoreFallback.none
        /// How many first attempts may wait for their retry.
        public var maxPending = 1_000_000
        /// How many first attempts of one network may wait for their retry.
        public var maxPendingPerNetwork = 5000
        /// The answer to a first attempt beyond these bounds.
        public var onMaxPending = WithoutRecord.dunno
        /// The URLs of the whitelists.
        public var wlSources: [String] = []
        /// Whether regular expressions in whitelists are honoured.
        public var allowWlRegex = false
        /// Whether a whitelist is read again when it changes.
        public var wlWatch = true
        /// How often whitelists in Redis are looked at for changes, with `wlWatch`.
        public var wlRedisInterval = Duration.seconds(60)

        /// The defaults.
        public init() {}
    }
}
