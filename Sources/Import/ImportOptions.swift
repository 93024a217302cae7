public import Greylist

/// What a reader has to be told, since the files don't say it.
public struct ImportOptions: Sendable, Equatable {
    /// The time of day; what lies more than a day ahead of it is left out.
    public var now: Timestamp
    /// When the texts were written, `now` at the latest: what they don't say of an entry's last use is taken from it, so
    /// that another reading of the same gives the same.
    public var taken: Timestamp
    /// How many seconds local time is ahead of UTC, for times without a zone.
    public var utcOffset: Int64
    /// The delay of the greylister that is read, in seconds; nil for its usual one.
    ///
    /// postgrey and gld keep no mark of those that passed: it is those whose last time is that much after the first.
    public var delay: Int64?
    /// How postgrey was told to cut addresses (`--ipv4cidr`, `--ipv6cidr`).
    ///
    /// An address with bits behind that is one host, as with `--lookup-by-host`.
    public var postgreyMasks: PrefixLengths
    /// What the headings of tables call columns that have another name in the greylister's database: that name for each,
    /// all in small letters.
    public var columnNames: [String: String] = [:]
    /// The most entries that are kept in memory where two files have to be joined.
    public var mostJoined: Int

    /// Options, by default for the usual settings of each greylister.
    public init(
        now: Timestamp, utcOffset: Int64 = 0, delay: Int64? = nil,
        postgreyMasks: PrefixLengths = PrefixLengths(ipv4: 24, ipv6: 64, nat64Prefixes: []), mostJoined: Int = 4_000_000
    ) {
        self.now = now
        taken = now
        self.utcOffset = utcOffset
        self.delay = delay
        self.postgreyMasks = postgreyMasks
        self.mostJoined = mostJoined
    }
}

extension ImportOptions {
    /// The delay of postgrey 1.37.
    var postgreyDelay: Int64 { delay ?? 300 }
    /// `MINTIME` of gld.
    var gldDelay: Int64 { delay ?? 60 }
    /// `greylist` of milter-greylist: half an hour.
    var milterGreylistDelay: Int64 { delay ?? 1_800 }
}
