/// When a mail server tries again, as ten large ones were seen to do it (Pagani et al., DSN 2016).
package struct RetrySchedule: Sendable {
    /// For how long a server goes on that isn't known to give up, in seconds.
    ///
    /// As long as a first attempt is remembered.
    static let longest: Int64 = 172_800

    /// Whose it is.
    package let name: String
    /// When each try is, in seconds after the first attempt, which is the first of them.
    let published: [Int64]
    /// How long it waits after each further try; nil where it gives up instead.
    let interval: Int64?

    /// All tries: those that were published, and further ones until it gives up.
    var tries: [Int64] {
        guard let interval, let last = published.last else { return published }
        return published + stride(from: last + interval, to: Self.longest, by: Int64.Stride(interval))
    }

    /// A schedule of tries in minutes and seconds; where it goes on, at its last interval.
    private init(_ name: String, _ tries: [(minutes: Int64, seconds: Int64)], givesUp: Bool = false) {
        self.name = name
        published = [0] + tries.map { $0.minutes * 60 + $0.seconds }
        interval = givesUp ? nil : published[published.count - 1] - published[published.count - 2]
    }

    /// The ten.
    package static let all = [
        RetrySchedule("gmail", [(6, 2), (29, 2), (56, 36), (98, 44), (162, 3), (229, 44)]),
        RetrySchedule("yahoo", [(2, 7), (5, 39), (12, 58), (27, 16), (55, 13)]),
        RetrySchedule(
            "hotmail", [(1, 1), (2, 3), (3, 4), (5, 6), (8, 7), (12, 8), (16, 10), (20, 10)]),
        RetrySchedule("qq", [(5, 5), (5, 11), (5, 17), (6, 19), (8, 22), (12, 25)], givesUp: true),
        RetrySchedule("mail.ru", [(1, 18), (19, 15), (49, 14), (79, 49)]),
        RetrySchedule("yandex", [(1, 5), (2, 58), (6, 53), (14, 55), (30, 28)]),
        RetrySchedule("mail.com", [(5, 2), (12, 37), (23, 59), (41, 3)]),
        RetrySchedule("gmx", [(5, 1), (12, 33), (23, 50), (40, 46)]),
        RetrySchedule("aol", [(5, 32), (11, 32), (21, 32), (31, 32)], givesUp: true),
        RetrySchedule("india", [(6, 21), (16, 21), (36, 21), (76, 21)]),
    ]
}
