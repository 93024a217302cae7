/// Metrics in Prometheus' text format, version 0.0.4.
///
/// Families and their samples stand in the order in which they were appended, so the same figures give the same text.
public struct MetricsText: Sendable {
    /// The media type of the text, as in the header `Content-Type`.
    public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text, in UTF-8; each line ends with a line feed.
    public private(set) var bytes: [UInt8] = []
    private var names: Set<String> = []

    /// A text without metrics.
    public init() {}

    /// Appends a family with its samples; one without any leaves no trace.
    ///
    /// No family may be appended a second time.
    public mutating func append(_ family: MetricFamily) {
        precondition(names.insert(family.name).inserted, "a family of metrics is in the text already")
        guard !family.samples.isEmpty else { return }
        bytes.append(text: "# HELP \(family.name) ")
        bytes.append(help: family.help)
        bytes.append(text: "\n# TYPE \(family.name) \(family.kind.rawValue)\n")
        bytes += family.samples
    }
}

extension [UInt8] {
    /// Appends a text as it is.
    mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends the help of a family, in one line.
    fileprivate mutating func append(help: String) {
        append(help, escaping: [UInt8(ascii: "\\")])
    }

    /// Appends the value of a label.
    mutating func append(labelValue: String) {
        append(labelValue, escaping: [UInt8(ascii: "\\"), UInt8(ascii: "\"")])
    }

    private mutating func append(_ text: String, escaping special: [UInt8]) {
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\n") {
                append(text: "\\n")
            } else {
                if special.contains(byte) { append(UInt8(ascii: "\\")) }
                append(byte)
            }
        }
    }

    /// Appends a number: whole ones in digits alone, others in as few digits as tell them from their neighbours.
    mutating func append(number: Double) {
        if number.isNaN {
            append(text: "NaN")
        } else if number.isInfinite {
            append(text: number < 0 ? "-Inf" : "+Inf")
        } else if let whole = Int(exactly: number), whole.magnitude <= 1 << 53 {
            append(text: "\(whole)")
        } else {
            append(text: "\(number)")
        }
    }
}
