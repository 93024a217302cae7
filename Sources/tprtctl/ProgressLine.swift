/// A line that says how far a copy has come.
struct ProgressLine {
    /// Entries read, and those that were read by an earlier run among them.
    var read: Int
    var readBefore = 0
    /// All entries there are; nil where that isn't known.
    var total: Int?
    /// How long this run has been at it.
    var elapsed: Duration

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
            parts.append("\(grouped(read)) of \(grouped(total)) \(total == 1 ? "entry" : "entries")")
        } else {
            parts.append("\(grouped(read)) \(read == 1 ? "entry" : "entries")")
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
