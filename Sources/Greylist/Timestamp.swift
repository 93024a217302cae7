import Bytes

/// A moment, in whole seconds since 1970-01-01T00:00:00Z.
///
/// It is always handed in; nothing here reads a clock.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since the Unix epoch.
    public var seconds: Int64

    /// The moment that many seconds after the epoch.
    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// Whether the left moment is the earlier one.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.seconds < right.seconds
    }

    /// Seconds from `earlier` until this moment; 0 where the clock stepped back in between.
    public func since(_ earlier: Timestamp) -> Int64 {
        let (difference, overflow) = seconds.subtractingReportingOverflow(earlier.seconds)
        if overflow { return earlier < self ? .max : 0 }
        return max(0, difference)
    }
}

extension [UInt8] {
    /// Appends the moment as RFC 5322, section 3.3 has it, in UTC: `Sun, 22 Nov 2026 09:30:00 +0000`.
    public mutating func append(internetDate moment: Timestamp) {
        let (days, second) = moment.dayAndSecond
        let (year, month, day) = civilDate(daysSinceEpoch: days)
        append(weekdays[Int((days + 4) - (days + 4).flooredQuotient(7) * 7)])
        append(", ")
        append(decimal: day)
        append(" ")
        append(months[month - 1])
        append(" ")
        append(decimal: year, width: 4)
        append(" ")
        append(decimal: second / 3600, width: 2)
        append(":")
        append(decimal: second / 60 % 60, width: 2)
        append(":")
        append(decimal: second % 60, width: 2)
        append(" +0000")
    }

    /// Appends the moment as RFC 3339 has it, in UTC: `2026-11-22T09:30:00Z`.
    public mutating func append(rfc3339 moment: Timestamp) {
        let (days, second) = moment.dayAndSecond
        let (year, month, day) = civilDate(daysSinceEpoch: days)
        append(decimal: year, width: 4)
        append("-")
        append(decimal: month, width: 2)
        append("-")
        append(decimal: day, width: 2)
        append("T")
        append(decimal: second / 3600, width: 2)
        append(":")
        append(decimal: second / 60 % 60, width: 2)
        append(":")
        append(decimal: second % 60, width: 2)
        append("Z")
    }
}

extension Timestamp {
    /// The day it is in UTC, in the Gregorian calendar.
    public var civilDate: (year: Int, month: Int, day: Int) {
        Greylist.civilDate(daysSinceEpoch: dayAndSecond.day)
    }

    /// The day since the epoch, and which second of it.
    fileprivate var dayAndSecond: (day: Int64, second: Int) {
        let (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        return second < 0 ? (day - 1, Int(second) + 86_400) : (day, Int(second))
    }
}

private let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
private let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/// The Gregorian date of a day.
///
/// Years are counted from March here, so that the leap day is a year's last; 400 years are 146,097 days, and the months
/// from March have 153 days in every five.
private func civilDate(daysSinceEpoch: Int64) -> (year: Int, month: Int, day: Int) {
    let daysSinceMarch0 = daysSinceEpoch + 719_468
    let era = daysSinceMarch0.flooredQuotient(146_097)
    let dayOfEra = daysSinceMarch0 - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month), Int(day))
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}
