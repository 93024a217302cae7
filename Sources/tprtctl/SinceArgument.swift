import ArgumentParser
import FoundationEssentials
import Greylist

/// From when on: `7d`, `36h`, `2026-11-30` or `2026-11-30 14:00`; dates and times are in UTC.
struct SinceArgument: ExpressibleByArgument, Equatable {
    private enum Form: Equatable {
        /// So many seconds before now.
        case ago(Int64)
        case at(Timestamp)
    }

    private let form: Form

    /// So many days before now.
    init(days: Int64) {
        form = .ago(days * 86_400)
    }

    init?(argument: String) {
        if let seconds = Self.seconds(argument) {
            form = .ago(seconds)
        } else if let moment = Self.moment(argument) {
            form = .at(moment)
        } else {
            return nil
        }
    }

    /// What the help says of every such option.
    static let forms = "7d, 36h or 30m ago, 2026-11-30, or \"2026-11-30 14:00\" (UTC)"

    var defaultValueDescription: String {
        switch form {
        case .ago(let seconds): "\(seconds / 86_400)d"
        case .at(let moment): utcTime(moment.seconds)
        }
    }

    /// The moment that is meant.
    func moment(at now: Timestamp) -> Timestamp {
        switch form {
        case .ago(let seconds): Timestamp(seconds: now.seconds - seconds)
        case .at(let moment): moment
        }
    }

    /// A number and a unit.
    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800]
        guard let unit = text.last.flatMap({ units[$0] }), (2...7).contains(text.utf8.count),
            text.dropLast().allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int64(text.dropLast())
        else { return nil }
        return number * unit
    }

    /// A date, and perhaps a time.
    private static func moment(_ text: String) -> Timestamp? {
        let text = text.hasSuffix("Z") ? text.dropLast() : text[...]
        let parts = text.split(separator: text.contains("T") ? "T" : " ", omittingEmptySubsequences: false)
        guard let day = parts.first, parts.count <= 2 else { return nil }
        var time = parts.count == 2 ? String(parts[1]) : "00:00:00"
        if time.utf8.count == 5 { time += ":00" }
        let whole = "\(day)T\(time)Z"
        guard let date = try? Date(whole, strategy: .iso8601) else { return nil }
        let seconds = Int64(date.timeIntervalSince1970)
        // The 30th of February is read as a day in March.
        return utcTime(seconds) == whole ? Timestamp(seconds: seconds) : nil
    }
}
