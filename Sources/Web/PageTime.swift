extension Int64 {
    /// The moment, in seconds since 1970, as ISO 8601 has it: `2026-11-30T14:32:05Z`.
    var iso8601: String {
        let (date, time) = dateTimeText
        return "\(date)T\(time)Z"
    }

    /// The moment to the minute: `2026-11-30 14:32 UTC`.
    var dateAndMinute: String {
        let (date, time) = dateTimeText
        return "\(date) \(time.prefix(5)) UTC"
    }

    /// The moment to the second: `2026-11-30 14:32:05`.
    var dateAndSecond: String {
        let (date, time) = dateTimeText
        return "\(date) \(time)"
    }

    /// The time of day to the minute: `14:32`.
    var timeOfDay: String { String(dateTimeText.time.prefix(5)) }

    private var dateTimeText: (date: String, time: String) {
        let second = Int(self - flooredDays * 86_400)
        let (year, month, day) = date
        return (
            "\(year.padded(4))-\(month.padded(2))-\(day.padded(2))",
            "\((second / 3_600).padded(2)):\((second / 60 % 60).padded(2)):\((second % 60).padded(2))"
        )
    }

    private var flooredDays: Int64 { self >= 0 ? self / 86_400 : (self - 86_399) / 86_400 }

    /// The Gregorian date; times before 1970 and after 9999 are no times that are shown.
    ///
    /// Counted in years from March on, which end with the leap day: 153 days are in any five months of them.
    private var date: (year: Int, month: Int, day: Int) {
        let sinceMarch = Int(flooredDays) + 719_468
        let era = sinceMarch / 146_097
        let dayOfEra = sinceMarch - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    /// How far a moment is from `now`, in words: `12 min ago`, `in 3 min`, `now`.
    func words(at now: Int64) -> String {
        if self == now { return "now" }
        return self < now
            ? "\((now - self).roughDuration(roundedUp: false)) ago"
            : "in \((self - now).roughDuration(roundedUp: true))"
    }

    /// So many seconds in one unit: `45 s`, `12 min`, `5 h`, `3 days`.
    func roughDuration(roundedUp: Bool) -> String {
        let units: [(seconds: Int64, name: String, limit: Int64)] = [(1, "s", 60), (60, "min", 60), (3_600, "h", 48)]
        for (seconds, name, limit) in units {
            let count = (self + (roundedUp ? seconds - 1 : 0)) / seconds
            if count < limit { return "\(count) \(name)" }
        }
        return "\(Int((self + (roundedUp ? 86_399 : 0)) / 86_400).grouped) days"
    }

    /// So many seconds in two units: `6 min 12 s`, `2 h 5 min`, `3 days 4 h`.
    var duration: String {
        let units: [(seconds: Int64, name: String)] = [(86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")]
        guard let first = units.firstIndex(where: { self >= $0.seconds * ($0.seconds == 86_400 ? 2 : 1) }) else {
            return "0 s"
        }
        let (unit, name) = units[first]
        let whole = "\(self / unit) \(name)"
        guard first + 1 < units.count else { return whole }
        let rest = self % unit / units[first + 1].seconds
        return rest == 0 ? whole : "\(whole) \(rest) \(units[first + 1].name)"
    }
}

extension Int {
    /// With a comma between thousands: `182,340`.
    var grouped: String {
        var result = ""
        for (index, digit) in String(magnitude).enumerated() {
            if index > 0, (String(magnitude).count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return (self < 0 ? "-" : "") + result
    }

    /// Its share of `total` in whole percent: `72 %`; never 0 % or 100 % where that isn't quite true.
    func share(of total: Int) -> String {
        guard total > 0 else { return "0 %" }
        if self > 0, self * 100 < total { return "< 1 %" }
        if self < total, self * 100 > total * 99 { return "> 99 %" }
        return "\((self * 200 + total) / (total * 2)) %"
    }

    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}
