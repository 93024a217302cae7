import Bytes
import Greylist

/// Reads the times that databases and logs write.
enum TimeText {
    /// The time that a column has; nil where it can't be read.
    ///
    /// It is an epoch, with a fraction perhaps; or a date and a time as SQL and RFC 3339 have them, with a fraction and a
    /// zone perhaps; or fourteen digits, as MySQL 4.0 printed them.
    ///
    /// - Parameter utcOffset: how far local time is ahead of UTC, for times without a zone
    static func read(_ text: Span<UInt8>, utcOffset: Int64) -> Timestamp? {
        if let number = text.integer {
            guard text.count == 14 else { return Timestamp(seconds: number) }
            return civil(
                text.number(0..<4), text.number(4..<6), text.number(6..<8), text.number(8..<10), text.number(10..<12),
                text.number(12..<14)
            ).map { Timestamp(seconds: $0.seconds - utcOffset) }
        }
        if let dot = text.firstIndex(of: UInt8(ascii: ".")), let number = text.extracting(0..<dot).integer {
            guard text.digits(from: dot + 1) == text.count else { return nil }
            return Timestamp(seconds: number)
        }
        return readDate(text, utcOffset: utcOffset)
    }

    /// `2026-11-29 06:52:53.25+01:00` and the like.
    private static func readDate(_ text: Span<UInt8>, utcOffset: Int64) -> Timestamp? {
        guard text.count >= 19, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: " ") || text[10] | 0x20 == UInt8(ascii: "t"), text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":"),
            let local = civil(
                text.number(0..<4), text.number(5..<7), text.number(8..<10), text.number(11..<13),
                text.number(14..<16), text.number(17..<19))
        else { return nil }
        var end = 19
        if end < text.count, text[end] == UInt8(ascii: ".") { end = text.digits(from: end + 1) }
        guard let zone = zone(text.extracting(end..<text.count)) else {
            return end == text.count ? Timestamp(seconds: local.seconds - utcOffset) : nil
        }
        return Timestamp(seconds: local.seconds - zone)
    }

    /// `Z`, `+01`, `+0130` or `+01:30` in seconds; nil for anything else.
    private static func zone(_ text: Span<UInt8>) -> Int64? {
        if text.count == 1, text[0] | 0x20 == UInt8(ascii: "z") { return 0 }
        guard text.count >= 3, text[0] == UInt8(ascii: "+") || text[0] == UInt8(ascii: "-"),
            let hours = text.number(1..<3)
        else { return nil }
        let minutes: Int64?
        switch text.count {
        case 3: minutes = 0
        case 5: minutes = text.number(3..<5)
        case 6: minutes = text[3] == UInt8(ascii: ":") ? text.number(4..<6) : nil
        default: minutes = nil
        }
        guard let minutes, hours <= 15, minutes < 60 else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        return text[0] == UInt8(ascii: "-") ? -seconds : seconds
    }

    /// A moment in UTC; nil where there is no such date or time.
    static func civil(
        _ year: Int64?, _ month: Int64?, _ day: Int64?, _ hour: Int64?, _ minute: Int64?, _ second: Int64?
    ) -> Timestamp? {
        guard let year, let month, let day, let hour, let minute, let second, (1...9_999).contains(year),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = days(year, month, day)
        let date = Timestamp(seconds: days * 86_400).civilDate
        guard date.day == Int(day), date.month == Int(month) else { return nil }
        return Timestamp(seconds: days * 86_400 + hour * 3_600 + minute * 60 + second)
    }

    /// The day of a Gregorian date since 1970.
    ///
    /// Years are counted from March here, so that the leap day is a year's last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}

extension Span<UInt8> {
    /// The number that digits at a place make; nil where one of them is none.
    func number(_ range: Range<Int>) -> Int64? {
        var number: Int64 = 0
        for index in range {
            guard self[index].isDigit else { return nil }
            number = number * 10 + Int64(self[index] - UInt8(ascii: "0"))
        }
        return number
    }

    /// Where digits end that begin there.
    fileprivate func digits(from start: Int) -> Int {
        var index = start
        while index < count, self[index].isDigit { index += 1 }
        return index
    }
}
