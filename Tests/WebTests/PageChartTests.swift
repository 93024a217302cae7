import Testing

@testable import Web

@Suite struct PageChartTests {
    private static func day(_ counts: [(Int, Int, Int)], start: Int64 = 0) -> PageDay {
        PageDay(
            bucketSeconds: 1_800,
            buckets: counts.enumerated().map { index, counts in
                PageDay.Bucket(
                    start: start + Int64(index) * 1_800, passedAtOnce: counts.0, passedAfterWaiting: counts.1,
                    deferred: counts.2)
            }, medianWait: nil, firstAttempts: 0, neverCameBack: 0)
    }

    @Test(
        "the scale reaches the highest bar, in at most six round steps",
        arguments: [
            (0, 1, 1), (1, 1, 1), (6, 1, 6), (7, 2, 8), (106, 20, 120), (120, 20, 120), (121, 50, 150),
            (999_999, 200_000, 1_000_000), (1_000_000_000_000_000, 200_000_000_000_000, 1_000_000_000_000_000),
        ])
    func scale(_ highest: Int, _ step: Int, _ top: Int) {
        let chart = PageChart(Self.day([(highest, 0, 0), (0, 0, 0)]))
        #expect(chart.step == step)
        #expect(chart.top == top)
        #expect(chart.height(of: highest) <= Double(PageChart.room))
    }

    @Test("heights are in proportion, and what isn't nothing is seen") func heights() {
        let chart = PageChart(Self.day([(50, 30, 20)]))
        #expect(chart.height(of: 100) == Double(PageChart.room))
        #expect(chart.height(of: 50) == Double(PageChart.room) / 2)
        #expect(chart.height(of: 0) == 0)
        #expect(PageChart(Self.day([(100_000, 1, 0)])).height(of: 1) == 1)
    }

    @Test("pieces share the width, and no more are shown than there is room for") func widths() {
        let chart = PageChart(Self.day(Array(repeating: (1, 0, 0), count: 4)))
        #expect((0..<4).map { chart.span(of: $0).x } == [0, 25, 50, 75])
        #expect(chart.span(of: 0).width == 25)
        let many = PageChart(Self.day((0..<500).map { ($0, 0, 0) }))
        #expect(many.buckets.count == Page.bucketLimit)
        #expect(many.buckets.last?.passedAtOnce == 499)
    }

    @Test("each third hour is named") func labels() {
        let chart = PageChart(Self.day(Array(repeating: (1, 0, 0), count: 48), start: 1_800 * 7))
        #expect(
            chart.buckets.filter(chart.hasLabel).map(\.start.timeOfDay) == [
                "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "00:00", "03:00",
            ])
    }

    @Test("it is told in words, too") func words() {
        let chart = PageChart(Self.day([(1, 2, 3), (1_000, 0, 0)]))
        #expect(
            chart.summary == "Requests of the last 24 hours: passed at once 1,001, passed after waiting 2, deferred 3; "
                + "most, 1,000, from 00:30 UTC on")
        #expect(
            chart.words(of: chart.buckets[0]) == "00:00 to 00:30: 1 passed at once, 2 passed after waiting, 3 deferred")
    }

    @Test(
        "numbers are written as JavaScript does",
        arguments: [
            (0.0, "0"), (3, "3"), (12.5, "12.5"), (2.0834, "2.083"), (0.0004, "0"), (0.05, "0.05"), (99.9996, "100"),
        ])
    func numbers(_ number: Double, _ text: String) {
        #expect(number.short == text)
    }
}
