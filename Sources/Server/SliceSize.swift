/// How many entries maintenance takes at a time, so that a slice takes a few milliseconds on any store.
struct SliceSize {
    /// No fewer: in LMDB a slice of fifty takes as long as one of a thousand, as long as its sync to disk does.
    private static let least = 250
    private static let most = 10_000

    /// How many entries the next slice has.
    private(set) var limit = 1_000

    /// Takes note of how long a slice took.
    ///
    /// It shrinks fast and grows slowly: requests wait for a slice that is too long.
    mutating func follow(_ took: Duration) {
        if took > .milliseconds(5) {
            limit = max(Self.least, limit / 2)
        } else if took < .milliseconds(2) {
            limit = min(Self.most, limit + limit / 8)
        }
    }
}
