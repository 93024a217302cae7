extension PageHTML {
    /// Appends the last 24 hours: figures, which are the legend too, the chart, and the same as a table.
    mutating func day(_ result: Result<PageDay, PageError>) {
        element("section", ["id": "day", "aria-labelledby": "day-title"]) { html in
            html.element("header") { html in
                html.element("h2", ["id": "day-title"], text: "The last 24 hours")
                if case .success(let day) = result, PageChart(day).total > 0 {
                    html.element("p", ["class": "note"], text: PageChart(day).note)
                }
            }
            switch result {
            case .failure(let error): html.failure(error, "it has the counts")
            case .success(let day):
                let chart = PageChart(day)
                if chart.total > 0 {
                    html.element("div", ["class": "day"]) { $0.figuresAndChart(day, chart) }
                } else {
                    html.empty(
                        "No mail yet",
                        "If none comes, Postfix isn't asking: see check_policy_service in its main.cf.")
                }
            }
        }
    }

    private mutating func figuresAndChart(_ day: PageDay, _ chart: PageChart) {
        element("dl", ["class": "figures"]) { html in
            for figure in PageFigure.all(of: day, chart) { html.figure(figure) }
        }
        element("div", ["class": "chart"]) { html in
            html.drawing(chart)
            html.table(chart)
        }
    }

    private mutating func figure(_ figure: PageFigure) {
        element("div") { html in
            html.element("dt") { html in
                if let kind = figure.kind {
                    html.element("span", ["class": "swatch \(kind.rawValue)", "aria-hidden": "true"])
                }
                html.text(figure.name)
            }
            html.element("dd") { html in
                html.element("span", ["class": "value"], text: figure.value)
                html.element("span", ["class": "sub"], text: figure.note)
            }
        }
    }

    private mutating func drawing(_ chart: PageChart) {
        let lines = stride(from: 0, through: chart.top, by: chart.step).map { $0 }
        let height = String(PageChart.height)
        element("div", ["class": "drawing"]) { html in
            html.element("svg", ["class": "scale", "height": height, "width": "48", "aria-hidden": "true"]) { html in
                for value in lines {
                    let y = Double(PageChart.base) - chart.height(of: value) + 4
                    html.element("text", ["x": "40", "y": y.short, "text-anchor": "end"], text: value.scaleLabel)
                }
            }
            html.element(
                "svg",
                ["class": "bars", "height": height, "width": "100%", "role": "img", "aria-labelledby": "chart-title"]
            ) { html in
                html.element("title", ["id": "chart-title"], text: chart.summary)
                for value in lines {
                    let y = (Double(PageChart.base) - chart.height(of: value)).short
                    html.element(
                        "line", ["class": value == 0 ? "base" : "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y])
                }
                for (index, bucket) in chart.buckets.enumerated() { html.bar(of: bucket, at: index, in: chart) }
            }
        }
    }

    private mutating func bar(of bucket: PageDay.Bucket, at index: Int, in chart: PageChart) {
        let (left, width) = chart.span(of: index)
        let barLeft = "\((left + width * (1 - PageChart.barShare) / 2).short)%"
        let barWidth = "\((width * PageChart.barShare).short)%"
        element("g") { html in
            html.element("title", text: chart.words(of: bucket))
            html.element(
                "rect",
                [
                    "class": "hit", "x": "\(left.short)%", "width": "\(width.short)%", "y": "0",
                    "height": "\(PageChart.base)",
                ])
            var y = Double(PageChart.base)
            for kind in PageChart.Kind.allCases {
                let height = chart.height(of: kind.count(in: bucket))
                guard height > 0 else { continue }
                y -= height
                html.element(
                    "rect",
                    ["class": kind.rawValue, "x": barLeft, "width": barWidth, "y": y.short, "height": height.short])
            }
        }
        guard chart.hasLabel(bucket) else { return }
        element(
            "text",
            [
                "class": bucket.start % 21_600 == 0 ? "hour" : "hour minor", "x": "\(left.short)%",
                "y": "\(PageChart.base + 20)", "text-anchor": "middle",
            ], text: bucket.start.timeOfDay)
    }

    private mutating func table(_ chart: PageChart) {
        element("details", ["class": "numbers"]) { html in
            html.element("summary", text: "The same as a table")
            html.element("table", ["class": "plain"]) { html in
                html.element("thead") { html in
                    html.element("tr") { html in
                        html.element("th", ["scope": "col"], text: "UTC")
                        for kind in PageChart.Kind.allCases { html.element("th", ["scope": "col"], text: kind.name) }
                    }
                }
                html.element("tbody") { html in
                    for bucket in chart.buckets {
                        html.element("tr") { html in
                            html.element("th", ["scope": "row"], text: bucket.start.timeOfDay)
                            for kind in PageChart.Kind.allCases {
                                html.element("td", text: kind.count(in: bucket).grouped)
                            }
                        }
                    }
                }
            }
        }
    }
}

extension Int {
    /// The number at a line of the scale, short: `500`, `20 k`, `5 M`.
    fileprivate var scaleLabel: String {
        switch self {
        case 10_000_000...: "\((self / 1_000_000).grouped) M"
        case 10_000...: "\(self / 1_000) k"
        default: grouped
        }
    }
}

/// A figure beside the chart.
struct PageFigure {
    /// What it says.
    var name: String
    /// The figure, with its unit.
    var value: String
    /// What it is a part of.
    var note: String
    /// The bars of which it is the legend; nil for none.
    var kind: PageChart.Kind?

    /// All figures of a day.
    static func all(of day: PageDay, _ chart: PageChart) -> [PageFigure] {
        PageChart.Kind.allCases.map { kind in
            let count = chart.total(kind)
            return PageFigure(name: kind.name, value: count.grouped, note: count.share(of: chart.total), kind: kind)
        } + [
            PageFigure(
                name: "Median wait", value: day.medianWait?.duration ?? "–", note: "of mail that passed after waiting"),
            PageFigure(
                name: "Never came back",
                value: day.firstAttempts > 0 ? day.neverCameBack.share(of: day.firstAttempts) : "–",
                note: "\(day.neverCameBack.grouped) of \(day.firstAttempts.grouped) first attempts"),
        ]
    }
}

extension PageChart {
    /// The chart in a sentence, for those who don't see it.
    var summary: String {
        let counts = Kind.allCases.map { "\($0.name.lowercased()) \(total($0).grouped)" }
        let busiest = buckets.max { $0.total < $1.total }
        let peak = busiest.map { "; most, \($0.total.grouped), from \($0.start.timeOfDay) UTC on" } ?? ""
        return "Requests of the last 24 hours: \(counts.joined(separator: ", "))\(peak)"
    }

    /// What a bar stands for.
    var note: String { "requests, each bar \(bucketSeconds.duration); times are UTC" }

    /// A piece in words.
    func words(of bucket: PageDay.Bucket) -> String {
        let counts = Kind.allCases.map { "\($0.count(in: bucket).grouped) \($0.name.lowercased())" }
        let end = (bucket.start + bucketSeconds).timeOfDay
        return "\(bucket.start.timeOfDay) to \(end): \(counts.joined(separator: ", "))"
    }
}
