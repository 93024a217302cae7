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
        /// By what a client is known beside its network.
        public var identity = IdentityMethod.spf
        /// Which senders need not wait.
        public var fastLane = FastLaneChoice.all
        /// On how many days an organisation's mail must have been accepted to earn that.
        public var earnDays = 4
        /// By how many recipients.
        public var earnRecipients = 2
        /// How many of the site's users must have written to an organisation to do instead.
        public var earnUsers = 3
        /// How many organisations are kept.
        public var maxIdentities = 500_000
        /// Whether it is learnt whom the site's users write to.
        public var learn = true
        /// The site's own domains.
        public var localDomains: [String] = []
        /// How many correspondents one user may teach in a day.
        public var learnPerUser = 500
        /// How many all of them may.
        public var learnPerSite = 50_000
        /// How long an organisation keeps what it has earned.
        public var identityMaxAge = Duration.seconds(7_776_000)
        /// How long is known whom the site's users wrote to.
        public var learnedMaxAge = Duration.seconds(7_776_000)
        /// The public suffix list.
        public var publicSuffixList = "/usr/share/publicsuffix/public_suffix_list.dat"
        /// The files that say which organisations senders share, the vendor's first; none: the usual ones.
        public var sharedIdentities: [String] = []
        /// The DNS servers that are asked; none: those of `dnsResolvConf`.
        public var dnsServers: [String] = []
        /// The file that names the system's DNS servers.
        public var dnsResolvConf = "/etc/resolv.conf"
        /// How long a new sender waits for the DNS.
        public var dnsBudget = Duration.seconds(1)
        /// How long a question to the DNS may take.
        public var dnsTimeout = Duration.seconds(5)
        /// What becomes of several recipients of one message.
        public var messageConsistency = MessageConsistency.carry
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
        /// Whether those digests are under a key of the site.
        public var privacy = KeyPrivacy.standard
        /// The file with that key.
        public var privacyKey = "{state_dir}/privacy.key"
        /// How postgrey made the digests that were imported from it.
        public var postgreyDigests = ""
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
        /// The URL of the identity database; empty: where the greylist is.
        public var identityDb = ""
        /// The file of the history; empty: none is kept.
        public var historyDb = "{state_dir}/history.sqlite"
        /// How long the history goes back.
        public var historyMaxAge = Duration.seconds(14 * 86_400)
        /// How large its file may become.
        public var historyMaxSize = ByteSize.mebibytes(256)
        /// How much of addresses it keeps.
        public var historyAddresses = AddressForm.full
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

extension Configuration.Service {
    /// The files with shared identities that these settings mean.
    public var sharedIdentityFiles: [String] {
        guard sharedIdentities.isEmpty else { return sharedIdentities }
        return [
            "/usr/share/tprt/shared-identities.list", "/usr/local/share/tprt/shared-identities.list",
            "/etc/tprt/shared-identities.local",
        ]
    }
}

extension Configuration {
    static let serviceFields: [Field] =
        greylistFields + identityFields + databaseFields + historyFields + whitelistFields

    private static let greylistFields: [Field] = [
        Field(
            "service.mode", \.service.mode,
            "enforce greylists; observe decides, logs and counts, and lets all mail pass.",
            reload: true),
        Field(
            "service.grey_hostname", \.service.greyHostname,
            "The name of this host in the header, for {hostname}; empty: the system's.",
            allowed: .oneLine, flag: "hostname", reload: true),
        Field(
            "service.grey_delay", \.service.greyDelay,
            "How long a new sender must wait until a retry passes.",
            discussion: "A retry passes a thirtieth of it sooner, at most a minute.",
            allowed: .range(.zero ... .days(1)), flag: "delay", reload: true),
        Field(
            "service.grey_retry_window", \.service.greyRetryWindow,
            "How long a first attempt waits for its retry.",
            discussion: "It must be longer than grey_delay.",
            allowed: .range(.seconds(60) ... .days(3650)), reload: true),
        Field(
            "service.grey_max_age", \.service.greyMaxAge,
            "How long an entry lives after its last recorded use.",
            discussion:
                "A use is recorded when the one recorded last is more than a 32nd of this time ago. "
                + "It must not be shorter than grey_retry_window.",
            allowed: .range(.seconds(60) ... .days(3650)), reload: true),
        Field(
            "service.ipv4_mask", \.service.ipv4Mask,
            "How many leading bits of an IPv4 address name a client.",
            allowed: .range(8...32), reload: true),
        Field(
            "service.ipv6_mask", \.service.ipv6Mask,
            "How many leading bits of an IPv6 address name a client.",
            allowed: .range(16...128), reload: true),
        Field(
            "service.nat64_prefixes", \.service.nat64Prefixes,
            "The prefixes of translators through which IPv4 clients come, besides 64:ff9b::/96 and 64:ff9b:1::/48.",
            discussion: "Each is an IPv6 network of 32, 40, 48, 56, 64 or 96 bits, as RFC 6052 has it.",
            reload: true),
        Field(
            "service.fold_recipient", \.service.foldRecipient,
            "Whether user+extension and user are one recipient.",
            discussion: "Only + begins an extension here, whatever Postfix' recipient_delimiter is.",
            reload: true),
        Field(
            "service.grey_action", \.service.greyAction,
            "The action of a reply that greylists.",
            allowed: .temporaryRefusal, reload: true),
        Field(
            "service.grey_text", \.service.greyText,
            "The text after that action; {wait} stands for the seconds left.",
            allowed: .notEmptyLine, reload: true),
        Field(
            "service.grey_smtp_header", \.service.greySmtpHeader,
            "The header of mail that waited; {delay}, {hostname} and {date} stand for what they say.",
            allowed: .headerLine, reload: true),
        Field(
            "service.greylist_null_sender", \.service.greylistNullSender,
            "Whether the null sender, that of bounces, is greylisted.",
            reload: true),
        Field(
            "service.greylist_authenticated", \.service.greylistAuthenticated,
            "Whether clients that have logged in are greylisted.",
            reload: true),
    ]

    private static let databaseFields: [Field] = [
        Field(
            "service.grey_db", \.service.greyDb,
            "The URL of the greylist database.",
            discussion: "{state_dir} stands for the program's state directory.",
            allowed: .notEmpty, flag: "grey_db", secret: true),
        Field(
            "service.grey_db_maintenance_disable", \.service.greyDbMaintenanceDisable,
            "Whether expiring the greylist database is left to another instance.",
            reload: true),
        Field(
            "service.hash_grey_db", \.service.hashGreyDb,
            "Whether the keys of the databases are hashed.",
            discussion: "With privacy keyed: whether they were before, by which entries of that time are still found."),
        Field(
            "service.privacy", \.service.privacy,
            "What the keys of the databases are; standard: as hash_grey_db says; keyed: digests under a key of the site.",
            discussion:
                "Without that key nobody finds out by trying who wrote to whom. TPRT 0.9.3 can't use a database with such "
                + "keys."),
        Field(
            "service.privacy_key", \.service.privacyKey,
            "The file with the key of the site, made at the first start that needs it.",
            discussion:
                "{state_dir} stands for the program's state directory. Servers that share a database need copies of one "
                + "file. A reload reads it again; tprtctl privacy rotate changes it.",
            allowed: .notEmpty),
        Field(
            "service.postgrey_digests", \.service.postgreyDigests,
            "How postgrey --privacy made the digests that were imported from it; empty: there are none.",
            discussion:
                "24/64, or its --ipv4cidr and --ipv6cidr; host for --lookup-by-host. "
                + "Each request is looked up by postgrey's digests, too.",
            allowed: .oneLine, reload: true),
        Field(
            "service.key_prefix", \.service.keyPrefix,
            "What every key in Redis begins with; empty: as in TPRT 0.9.3.",
            allowed: .oneLine),
        Field(
            "service.awl_client_count", \.service.awlClientCount,
            "How many first passes of triplets put a client on the auto-whitelist; 0: none do.",
            discussion: "Each client is counted once an hour at most.",
            allowed: .range(0...1_000_000), flag: "awl_client_count", reload: true),
        Field(
            "service.awl_by", \.service.awlBy,
            "By what the auto-whitelist knows a client: its network (ipv4_mask, ipv6_mask) or its address alone.",
            reload: true),
        Field(
            "service.awl_db", \.service.awlDb,
            "The URL of the auto-whitelist database; empty: where grey_db is.",
            discussion: "In the same LMDB file or Redis; beside a GNU dbm file, as autowldb.",
            flag: "awl_db", secret: true),
        Field(
            "service.awl_db_maintenance_disable", \.service.awlDbMaintenanceDisable,
            "Whether expiring the auto-whitelist database is left to another instance.",
            reload: true),
        Field(
            "service.identity_db", \.service.identityDb,
            "The URL of the identity database; empty: where grey_db is.",
            discussion: "In the same LMDB file or Redis; beside a GNU dbm file, as identitydb.",
            secret: true),
        Field(
            "service.maintenance_interval", \.service.maintenanceInterval,
            "The time between maintenance passes.",
            allowed: .range(.seconds(1) ... .days(7)), reload: true),
        Field(
            "service.durability", \.service.durability,
            "How LMDB writes; commit: a decision is on disk before its reply; interval: within sync_interval."),
        Field(
            "service.sync_interval", \.service.syncInterval,
            "The time between writes to disk, with durability interval: what a power cut may cost.",
            allowed: .range(.milliseconds(1) ... .seconds(60))),
        Field(
            "service.on_store_error", \.service.onStoreError,
            "The answer while the database is out of reach: dunno lets mail pass, defer asks it to come back.",
            reload: true),
        Field(
            "service.store_deadline", \.service.storeDeadline,
            "How soon the database must have answered before it counts as out of reach.",
            allowed: .range(.milliseconds(10) ... .seconds(60))),
        Field(
            "service.store_fallback", \.service.storeFallback,
            "What stands in for a database that is out of reach."),
        Field(
            "service.max_pending", \.service.maxPending,
            "How many first attempts may wait for their retry; beyond it the oldest are forgotten.",
            allowed: .range(1...1_000_000_000), reload: true),
        Field(
            "service.max_pending_per_network", \.service.maxPendingPerNetwork,
            "How many first attempts of one network may wait for their retry; beyond it none is remembered.",
            allowed: .range(1...1_000_000_000), reload: true),
        Field(
            "service.on_max_pending", \.service.onMaxPending,
            "The answer to a first attempt that isn't remembered: dunno lets it pass, defer asks it to come back.",
            reload: true),
    ]

    private static let whitelistFields: [Field] = [
        Field(
            "service.wl_sources", \.service.wlSources,
            "The URLs of the whitelists.",
            flag: "wl_sources", secret: true, reload: true),
        Field(
            "service.allow_wl_regex", \.service.allowWlRegex,
            "Whether regular expressions in whitelists are honoured.",
            reload: true),
        Field(
            "service.wl_watch", \.service.wlWatch,
            "Whether a whitelist is read again when it changes.",
            reload: true),
        Field(
            "service.wl_redis_interval", \.service.wlRedisInterval,
            "How often whitelists in Redis are looked at for changes, with wl_watch.",
            allowed: .range(.seconds(1) ... .days(1)), reload: true),
    ]
}
