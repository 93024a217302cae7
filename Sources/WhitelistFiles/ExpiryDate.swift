import Greylist
import JSONText

extension Timestamp {
    /// The moment from which on something has expired: the end of a day (`2027-01-31`), or that second
    /// (`2027-01-31T12:00:00Z`), both in UTC as RFC 3339 spells them.
    init?(expiry text: String) {
        let bytes = Array(text.utf8)
        let pattern: [UInt8] = Array((bytes.count == 10 ? "0000-00-00" : "0000-00-00T00:00:00Z").utf8)
        guard bytes.count == pattern.count else { return nil }
        for (byte, expected) in zip(bytes, pattern) {
            guard expected == UInt8(ascii: "0") ? isDigit(byte) : byte == expected else { return nil }
        }
        func number(_ range: Range<Int>) -> Int {
            bytes[range].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        guard let days = daysSinceEpoch(year: number(0..<4), month: number(5..<7), day: number(8..<10)) else {
            return nil
        }
        guard bytes.count > 10 else {
            self.init(seconds: Int64(days + 1) * 86_400)
            return
        }
        let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
        guard hour < 24, minute < 60, second < 60 else { return nil }
        self.init(seconds: Int64(days * 86_400 + hour * 3_600 + minute * 60 + second))
    }
}

/// The day of a Gregorian date, counted from 1970-01-01; nil where there is no such day.
private func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard year >= 1970, (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return nil }
    let past = year - 1
    let leapDays = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
    return (year - 1970) * 365 + leapDays + lengths[..<(month - 1)].reduce(0, +) + day - 1
}
