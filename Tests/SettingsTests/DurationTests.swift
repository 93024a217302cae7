import JSONText
import Settings
import Testing

@Suite("Durations")
struct DurationTests {
    @Test(
        "a duration is read, and printed in its largest exact unit",
        arguments: [
            ("300", Duration.seconds(300), "5m"), ("0", .zero, "0s"), ("0h", .zero, "0s"), ("90", .seconds(90), "90s"),
            ("90m", .seconds(5400), "90m"), ("36h", .seconds(129_600), "36h"), ("24h", .seconds(86_400), "1d"),
            ("1.5", .milliseconds(1500), "1500ms"), ("0.25h", .seconds(900), "15m"),
            ("500ms", .milliseconds(500), "500ms"),
            ("1000ms", .seconds(1), "1s"), ("007", .seconds(7), "7s"),
        ])
    func good(text: String, value: Duration, printed: String) throws {
        let field = try #require(Configuration.field("service.grey_delay"))
        var configuration = Configuration()
        if text == "36h" {  // longer than grey_delay may be
            let window = try #require(Configuration.field("service.grey_retry_window"))
            try window.apply(.text(text), to: &configuration)
            #expect(configuration.service.greyRetryWindow == value)
            #expect(window.text(in: configuration) == printed)
            return
        }
        try field.apply(.text(text), to: &configuration)
        #expect(configuration.service.greyDelay == value)
        #expect(field.text(in: configuration) == printed)
        try field.apply(.json(.string(text)), to: &configuration)
        #expect(configuration.service.greyDelay == value)
    }

    @Test("weeks and days", arguments: [("2w", 1_209_600, "2w"), ("35d", 3_024_000, "5w"), ("10d", 864_000, "10d")])
    func long(text: String, seconds: Int, printed: String) throws {
        let loaded = try Configuration.load(injections: ["service.grey_max_age=\(text)"])
        #expect(loaded.configuration.service.greyMaxAge == .seconds(seconds))
        #expect(Configuration.field("service.grey_max_age")?.text(in: loaded.configuration) == printed)
    }

    @Test(
        "JSON numbers are seconds",
        arguments: [
            (JSONValue.int(300), "5m"), (.double(0.5), "500ms"), (.double(60), "1m"), (.double(1e3), "1000s"),
        ])
    func numbers(json: JSONValue, printed: String) throws {
        #expect(try ValueCase("service.grey_delay", json: json, printed).outcome() == printed)
    }

    @Test(
        "what is not a duration",
        arguments: [
            ValueCase(
                "service.grey_delay", text: "abc", "\"abc\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase("service.grey_delay", text: "", "\"\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: "5M", "\"5M\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: "5 m", "\"5 m\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: "1h30m",
                "\"1h30m\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: ".5", "\".5\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: "1.2.3",
                "\"1.2.3\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: "1e3", "\"1e3\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase(
                "service.grey_delay", text: "--5", "\"--5\" is not a duration (a number of seconds, or 5m, 36h, 35d)"),
            ValueCase("service.grey_delay", text: "-5m", "\"-5m\" is negative (a duration is zero or more)"),
            ValueCase("service.grey_delay", json: .int(-5), "-5 is negative (a duration is zero or more)"),
            ValueCase("service.grey_delay", json: .double(-0.5), "-0.5 is negative (a duration is zero or more)"),
            ValueCase("service.grey_delay", text: "0.5ms", "\"0.5ms\" is finer than a millisecond"),
            ValueCase("service.grey_delay", text: "0.0000000001", "\"0.0000000001\" is finer than a millisecond"),
            ValueCase(
                "service.grey_delay", text: "9223372036854775807w",
                "\"9223372036854775807w\" is too long for a duration"),
            ValueCase(
                "service.grey_delay", json: .bool(true), "true is not a duration (a number of seconds, or 5m, 36h, 35d)"
            ),
            ValueCase("service.grey_delay", text: "2d", "2d is not allowed (duration, 0s to 1d)"),
            ValueCase("service.grey_retry_window", text: "59s", "59s is not allowed (duration, 1m to 3650d)"),
            ValueCase("server.idle_timeout", text: "1099", "1099s is not allowed (duration, 1100s or more)"),
            ValueCase("server.request_deadline", text: "99ms", "99ms is not allowed (duration, 100ms to 1m)"),
        ])
    func bad(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test("zero is a delay")
    func zero() throws {
        let loaded = try Configuration.load(files: [file("{service: {grey_delay: 0}}")])
        #expect(loaded.configuration.service.greyDelay == .zero)
    }

    @Test("JSON holds whole seconds as a number, else a text")
    func json() throws {
        let field = try #require(Configuration.field("service.sync_interval"))
        var configuration = Configuration()
        #expect(field.json(in: configuration) == .string("200ms"))
        try field.apply(.text("3000ms"), to: &configuration)
        #expect(field.json(in: configuration) == .int(3))
    }
}
