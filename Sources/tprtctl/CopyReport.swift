import Glibc
import JSONText
import Storage
import SystemPackage

/// What a copy came to.
struct CopyReport {
    let source: String
    let target: String
    let isDryRun: Bool
    let tables: [CopyCheckpoint.Progress]
    /// What of the source couldn't be read.
    var flaw: String?

    /// A table for people.
    var text: String {
        let head = ["table", "read", isDryRun ? "to copy" : "copied", "expired", "seconds"]
        let rows = tables.map { progress in
            let counts = progress.counts
            return [TableName(progress.table).rawValue] + [counts.read, counts.copied, counts.expired].map(grouped)
                + [seconds(counts.milliseconds, digits: 1)]
        }
        return TextTable(head: head, rows: rows).text
    }

    /// One JSON object.
    var json: String {
        let tables = tables.map { progress in
            let counts = progress.counts
            return "{\"table\": \(quoted(TableName(progress.table).rawValue)), \"read\": \(counts.read), "
                + "\"copied\": \(isDryRun ? 0 : counts.copied), \"expired\": \(counts.expired), "
                + "\"seconds\": \(seconds(counts.milliseconds, digits: 3))}"
        }
        return "{\"from\": \(quoted(source)), \"to\": \(quoted(target)), \"dry_run\": \(isDryRun), "
            + "\"tables\": [\(tables.joined(separator: ", "))]}"
    }

    private func seconds(_ milliseconds: Int, digits: Int) -> String {
        let fraction = String(milliseconds % 1_000)
        let thousandths = String(repeating: "0", count: 3 - fraction.count) + fraction
        return "\(milliseconds / 1_000).\(thousandths.prefix(digits))"
    }
}

/// A line that says how far a copy has come.
struct ProgressLine {
    /// Entries read, and those that were read by an earlier run among them.
    var read: Int
    var readBefore = 0
    /// All entries there are; nil where that isn't known.
    var total: Int?
    /// How long this run has been at it.
    var elapsed: Duration
    /// What is read.
    var unit = (one: "entry", many: "entries")

    private static let barWidth = 20

    /// The text, at most so many columns wide.
    func text(columns: Int) -> String {
        var parts: [String] = []
        if let total, total > 0 {
            let done = min(read, total)
            let filled = done * Self.barWidth / total
            parts.append(
                "[" + String(repeating: "#", count: filled)
                    + String(repeating: ".", count: Self.barWidth - filled) + "]")
            parts.append("\(done * 100 / total)%")
            parts.append("\(grouped(read)) of \(grouped(total)) \(total == 1 ? unit.one : unit.many)")
        } else {
            parts.append("\(grouped(read)) \(read == 1 ? unit.one : unit.many)")
        }
        if let rate {
            parts.append("\(grouped(rate))/s")
            if let total { parts.append("\(time(max(0, total - read) / rate)) left") }
        }
        return String(parts.joined(separator: "  ").prefix(max(0, columns)))
    }

    /// Entries in a second; nil where that can't be told yet.
    private var rate: Int? {
        let seconds = elapsed / .seconds(1)
        guard seconds >= 0.1, read > readBefore else { return nil }
        return max(1, Int(Double(read - readBefore) / seconds))
    }

    private func time(_ seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        }
    }
}

/// A number with a comma at each third digit from the right.
func grouped(_ number: Int) -> String {
    let digits = String(number)
    var result = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, digits.count - index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
        result.append(digit)
    }
    return result
}

/// Shows on a terminal how far the work has come; silent anywhere else.
struct ProgressBar {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var drawn: ContinuousClock.Instant?

    /// How often it is drawn at most.
    private static let interval = Duration.milliseconds(200)

    mutating func show(_ line: @autoclosure () -> ProgressLine) {
        guard isTerminal else { return }
        if let drawn, ContinuousClock.now - drawn < Self.interval { return }
        drawn = .now
        // The last column stays free: some terminals go to the next line with it.
        Self.wipe(andSay: line().text(columns: Self.columns - 1))
    }

    /// Takes it away, for the line that comes next.
    static func wipe() {
        if isatty(STDERR_FILENO) == 1 { wipe(andSay: "") }
    }

    private static func wipe(andSay text: String) {
        _ = try? FileDescriptor.standardError.writeAll("\r\u{1b}[K\(text)".utf8)
    }

    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
