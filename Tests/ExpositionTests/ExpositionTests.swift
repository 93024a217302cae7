import TestSupport
import Testing

@testable import Exposition

@Suite("Metrics as text")
struct ExpositionTests {
    /// The text of families.
    private func text(_ families: MetricFamily...) -> String {
        var text = MetricsText()
        for family in families { text.append(family) }
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test("A counter, a gauge and a histogram, in the order in which they were appended")
    func golden() async throws {
        var requests = MetricFamily("requests_total", .counter, "Requests by state.")
        requests.add(12, ["state": "RCPT"])
        requests.add(0, ["state": "none"])
        var entries = MetricFamily("entries", .gauge, "Entries.")
        entries.add(1_234_567_890_123)
        var delays = MetricFamily("delay_seconds", .histogram, "How long mail waited.")
        delays.add(counts: [1, 0, 2, 3], upTo: [0.0001, 0.25, 300], sum: 1801.5, ["proof": "spf", "by": "x"])
        delays.add(counts: [0, 0], upTo: [1], sum: 0)
        let expected = """
            # HELP requests_total Requests by state.
            # TYPE requests_total counter
            requests_total{state="RCPT"} 12
            requests_total{state="none"} 0
            # HELP entries Entries.
            # TYPE entries gauge
            entries 1234567890123
            # HELP delay_seconds How long mail waited.
            # TYPE delay_seconds histogram
            delay_seconds_bucket{proof="spf",by="x",le="0.0001"} 1
            delay_seconds_bucket{proof="spf",by="x",le="0.25"} 1
            delay_seconds_bucket{proof="spf",by="x",le="300"} 3
            delay_seconds_bucket{proof="spf",by="x",le="+Inf"} 6
            delay_seconds_sum{proof="spf",by="x"} 1801.5
            delay_seconds_count{proof="spf",by="x"} 6
            delay_seconds_bucket{le="1"} 0
            delay_seconds_bucket{le="+Inf"} 0
            delay_seconds_sum 0
            delay_seconds_count 0

            """
        let text = text(requests, entries, delays)
        #expect(text == expected)
        #expect(try await Promtool.complaints(about: Array(text.utf8)) == "")
    }

    @Test("A family without samples leaves no trace")
    func empty() {
        #expect(text(MetricFamily("nothing", .gauge, "Nothing.")) == "")
    }

    @Test("What would end a line or a value is escaped, in the help and in labels")
    func escapes() async throws {
        var family = MetricFamily("odd", .gauge, "A \\ and a \" and\na line.")
        family.add(1, ["label": "A \\ and a \" and\na line, j\u{fc}rgen."])
        let text = text(family)
        #expect(
            text == #"""
                # HELP odd A \\ and a " and\na line.
                # TYPE odd gauge
                odd{label="A \\ and a \" and\na line, jürgen."} 1

                """#)
        #expect(try await Promtool.complaints(about: Array(text.utf8)) == "")
    }

    @Test(
        "A number is read as the one that was written",
        arguments: [
            (0, "0"), (-0.0, "0"), (5, "5"), (-7, "-7"), (0.1, "0.1"), (0.00025, "0.00025"), (1e-5, "1e-05"),
            (1_795_624_276, "1795624276"), (123_456.789, "123456.789"), (9_007_199_254_740_992, "9007199254740992"),
            (1e300, "1e+300"), (.leastNonzeroMagnitude, "5e-324"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"),
        ] as [(Double, String)])
    func numbers(_ number: Double, _ expected: String) async throws {
        var family = MetricFamily("number", .gauge, "A number.")
        family.add(number)
        let text = text(family)
        #expect(text.split(separator: "\n").last == "number \(expected)")
        if !number.isNaN { #expect(Double(expected) == number) }
        #expect(try await Promtool.complaints(about: Array(text.utf8)) == "")
    }

    @Test("Whole numbers of any size have no exponent")
    func wholeNumbers() {
        var family = MetricFamily("number", .gauge, "A number.")
        family.add(Int.max)
        family.add(Int.min, ["sign": "minus"])
        let lines = text(family).split(separator: "\n").dropFirst(2)
        #expect(lines == ["number 9223372036854775807", "number{sign=\"minus\"} -9223372036854775808"])
    }

    @Test("promtool finds faults, so its silence means something")
    func promtool() async throws {
        var family = MetricFamily("requests", .counter, "Requests.")
        family.add(1)
        #expect(try await Promtool.complaints(about: Array(text(family).utf8)).contains("_total"))
    }

    @Test("What Prometheus couldn't read is a fault of the program")
    func faults() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily("1st", .gauge, "A name that begins with a digit.")
        }
        await #expect(processExitsWith: .failure) { _ = MetricFamily("", .gauge, "No name.") }
        await #expect(processExitsWith: .failure) {
            var family = MetricFamily("requests_total", .counter, "Requests.")
            family.add(1, ["by-state": "RCPT"])
        }
        await #expect(processExitsWith: .failure) {
            var text = MetricsText()
            for _ in 0..<2 { text.append(MetricFamily("requests_total", .counter, "Requests.")) }
        }
        await #expect(processExitsWith: .failure) {
            var family = MetricFamily("delay_seconds", .histogram, "Delays.")
            family.add(counts: [1], upTo: [1], sum: 1)
        }
    }
}
