/// The chart of the last 24 hours: where its bars, lines and labels are.
///
/// Across, lengths are shares of the width, so that it takes the width it is given and its labels keep their size; down,
/// they are pixels. Style attributes are forbidden to the page: everything is geometry and classes.
struct PageChart {
    /// What a bar shows, from the bottom to the top.
    enum Kind: String, CaseIterable {
        case passedAtOnce = "once"
        case passedAfterWaiting = "waited"
        case deferred

        /// What the page and the JSON call it.
        var name: String {
            switch self {
            case .passedAtOnce: "Passed at once"
            case .passedAfterWaiting: "Passed after waiting"
            case .deferred: "Deferred"
            }
        }

        /// How many of them there were.
        func count(in bucket: PageDay.Bucket) -> Int {
            switch self {
            case .passedAtOnce: bucket.passedAtOnce
            case .passedAfterWaiting: bucket.passedAfterWaiting
            case .deferred: bucket.deferred
            }
        }
    }

    /// How high it is with its labels, in pixels.
    static let height = 266
    /// The line on which the bars stand.
    static let base = 238
    /// How high the highest bar may be.
    static let room = 224
    /// How much of its piece's width a bar has.
    static let barShare = 0.72

    /// The pieces that are shown.
    let buckets: [PageDay.Bucket]
    /// How long a piece is, in seconds.
    let bucketSeconds: Int64
    /// The number between two lines of the scale.
    let step: Int
    /// The number at its highest line.
    let top: Int

    /// A chart of a day.
    init(_ day: PageDay) {
        buckets = day.buckets.suffix(Page.bucketLimit)
        bucketSeconds = day.bucketSeconds
        let highest = buckets.map(\.total).max() ?? 0
        step = Self.step(for: highest)
        top = max(1, (highest + step - 1) / step) * step
    }

    /// The smallest of 1, 2, 5, 10, 20, … of which six reach `highest`.
    private static func step(for highest: Int) -> Int {
        var power = 1
        while true {
            for factor in [1, 2, 5] where (factor * power).multipliedReportingOverflow(by: 6).partialValue >= highest {
                return factor * power
            }
            let (next, overflow) = power.multipliedReportingOverflow(by: 10)
            guard !overflow, next < Int.max / 30 else { return max(1, highest / 6 + 1) }
            power = next
        }
    }

    /// How many there were of a kind.
    func total(_ kind: Kind) -> Int { buckets.reduce(0) { $0 + kind.count(in: $1) } }

    /// How many there were in all.
    var total: Int { buckets.reduce(0) { $0 + $1.total } }

    /// The left edge of a piece, and how wide it is.
    func span(of index: Int) -> (x: Double, width: Double) {
        let width = 100 / Double(max(1, buckets.count))
        return (Double(index) * width, width)
    }

    /// How high a count is drawn; one that isn't 0 can be seen.
    func height(of count: Int) -> Double {
        count == 0 ? 0 : max(1, Double(count) * Double(Self.room) / Double(top))
    }

    /// Whether the label of a time stands below a piece: each third hour of the day.
    func hasLabel(_ bucket: PageDay.Bucket) -> Bool { bucket.start % 10_800 == 0 }
}

extension PageDay.Bucket {
    /// How many requests there were.
    var total: Int { passedAtOnce + passedAfterWaiting + deferred }
}

extension Double {
    /// With up to three digits behind the point, as JavaScript writes it: `12.5`, `3`.
    var short: String {
        let thousandths = Int((self * 1_000).rounded())
        var digits = String(thousandths % 1_000)
        guard digits != "0" else { return String(thousandths / 1_000) }
        digits = String(repeating: "0", count: 3 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(thousandths / 1_000).\(digits)"
    }
}
