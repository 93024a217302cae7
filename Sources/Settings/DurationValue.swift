import JSONText

extension Duration: SettingValue {
    static var typeName: String { "duration" }

    private static let units: [(name: String, milliseconds: Int)] = [
        ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    private static func refusal(of found: String) -> Complaint {
        Complaint("\(found) is not a duration", remedy: "a number of seconds, or 5m, 36h, 35d")
    }

    /// A number of days.
    static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }

    /// Reads `300`, `1.5`, `500ms`, `5m`, `36h`, `35d` or `2w`; a number without a unit means seconds.
    init(text: String) throws(Complaint) {
        try self.init(text, called: shortened(text))
    }

    init(json: JSONValue) throws(Complaint) {
        switch json {
        case .string(let text): try self.init(text: text)
        case .int(let seconds): try self.init(String(seconds), called: json.found)
        case .double(let seconds):
            try self.init(Int(exactly: seconds).map { String($0) } ?? "\(seconds)", called: json.found)
        default: throw Self.refusal(of: json.found)
        }
    }

    private init(_ text: String, called found: String) throws(Complaint) {
        let isNegative = text.hasPrefix("-")
        let number = text.dropFirst(isNegative ? 1 : 0).prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let unitName = text.dropFirst((isNegative ? 1 : 0) + number.count)
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let unit = Self.units.first(where: { $0.name == unitName || $0.name == "s" && unitName.isEmpty }),
            let whole = parts.first.flatMap({ Int($0) }),
            let fraction = parts.count == 1 ? 0 : Int(parts[1])
        else { throw Self.refusal(of: found) }
        if isNegative { throw Complaint("\(found) is negative", remedy: "a duration is zero or more") }

        // The fraction in milliseconds is fraction * unit / 10^digits, and must be whole.
        let digits = parts.count == 1 ? 0 : parts[1].count
        guard digits <= 9 else { throw Complaint("\(found) is finer than a millisecond") }
        let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
        let (scaled, tooFine) = (fraction * unit.milliseconds).quotientAndRemainder(dividingBy: scale)
        guard tooFine == 0 else { throw Complaint("\(found) is finer than a millisecond") }
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit.milliseconds)
        let (sum, carry) = product.addingReportingOverflow(scaled)
        guard !overflow, !carry else { throw Complaint("\(found) is too long for a duration") }
        self = .milliseconds(sum)
    }

    /// The length in milliseconds, finer parts cut off.
    private var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }

    /// The duration in the largest unit that gives a whole number, such as `5m`; zero is `0s`.
    var text: String {
        let length = wholeMilliseconds
        guard length != 0, let unit = Self.units.first(where: { length % $0.milliseconds == 0 }) else { return "0s" }
        return "\(length / unit.milliseconds)\(unit.name)"
    }

    /// A number of seconds where that is whole, else a text such as `"500ms"`.
    var json: JSONValue {
        wholeMilliseconds % 1000 == 0 ? .int(wholeMilliseconds / 1000) : .string(text)
    }
}
