import Bytes

/// The samples of one metric, under all of its labels.
///
/// What is written is a program's own: names and helps are its constants, and labels have few values. A text that others have
/// a say in belongs into no label.
public struct MetricFamily: Sendable {
    /// What a metric is.
    public enum Kind: String, Sendable {
        /// A number that only grows, until the program is started again.
        case counter
        /// A number that comes and goes.
        case gauge
        /// How many figures were at most as large as each of some bounds.
        case histogram
    }

    /// Labels by their names, in the order in which they are written.
    public typealias Labels = KeyValuePairs<String, String>

    /// Its name.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// What it says, in a sentence.
    public let help: String
    /// The lines of its samples.
    private(set) var samples: [UInt8] = []

    /// A metric without samples.
    ///
    /// - Parameter name: letters, digits, underscores and colons, beginning with no digit
    public init(_ name: String, _ kind: Kind, _ help: String) {
        precondition(name.isMetricName, "a metric has a name that Prometheus can't read")
        self.name = name
        self.kind = kind
        self.help = help
    }

    /// Adds a sample with these labels, which no other one has.
    public mutating func add(_ value: Int, _ labels: Labels = [:]) {
        precondition(kind != .histogram, "a histogram has no sample of its own")
        begin("", labels)
        samples.append(text: "\(value)\n")
    }

    /// Adds a sample with these labels, which no other one has.
    public mutating func add(_ value: Double, _ labels: Labels = [:]) {
        precondition(kind != .histogram, "a histogram has no sample of its own")
        begin("", labels)
        end(value)
    }

    /// Adds a histogram with these labels, which no other one has.
    ///
    /// - Parameters:
    ///   - counts: how many figures lay at most at each bound and above the one before it; the last number counts those above all
    ///     bounds
    ///   - bounds: in ascending order
    ///   - sum: of all figures
    public mutating func add(counts: [Int], upTo bounds: [Double], sum: Double, _ labels: Labels = [:]) {
        precondition(kind == .histogram, "counts of figures between bounds are a histogram's")
        precondition(counts.count == bounds.count + 1, "a histogram has one count for each bound, and one beyond")
        var total = 0
        for (count, bound) in zip(counts, bounds + [.infinity]) {
            total += count
            begin("_bucket", labels, upTo: bound)
            samples.append(text: "\(total)\n")
        }
        begin("_sum", labels)
        end(sum)
        begin("_count", labels)
        samples.append(text: "\(total)\n")
    }

    /// Writes a sample as far as its value.
    private mutating func begin(_ suffix: String, _ labels: Labels, upTo bound: Double? = nil) {
        samples.append(text: name + suffix)
        var separator = "{"
        func open(_ name: String) {
            precondition(name.isLabelName, "a label has a name that Prometheus can't read")
            samples.append(text: "\(separator)\(name)=\"")
            separator = ","
        }
        for (name, value) in labels {
            open(name)
            samples.append(labelValue: value)
            samples.append(UInt8(ascii: "\""))
        }
        if let bound {
            open("le")
            samples.append(number: bound)
            samples.append(UInt8(ascii: "\""))
        }
        samples.append(text: separator == "," ? "} " : " ")
    }

    private mutating func end(_ value: Double) {
        samples.append(number: value)
        samples.append(UInt8(ascii: "\n"))
    }
}

extension String {
    fileprivate var isMetricName: Bool { isName { $0 == UInt8(ascii: ":") } }

    fileprivate var isLabelName: Bool { isName { _ in false } }

    private func isName(with isOther: (UInt8) -> Bool) -> Bool {
        utf8.first.map { !$0.isDigit } ?? false
            && utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "_") || isOther($0) }
    }
}
