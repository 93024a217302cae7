import Greylist
import Testing

@testable import tprtctl

@Suite("From when on")
struct SinceArgumentTests {
    private static let now = Timestamp(seconds: 1_796_047_200)

    @Test(
        "a length of time before now, a date, or a date and a time in UTC",
        arguments: [
            ("7d", 1_795_442_400), ("36h", 1_795_917_600), ("90m", 1_796_041_800), ("30s", 1_796_047_170),
            ("2w", 1_794_837_600), ("0s", 1_796_047_200), ("2026-11-30", 1_795_996_800),
            ("2026-11-30 14:00", 1_796_047_200), ("2026-11-30T14:00", 1_796_047_200),
            ("2026-11-30 14:00:05", 1_796_047_205), ("2026-11-30T14:00:05Z", 1_796_047_205),
            ("2024-02-29", 1_709_164_800),
        ])
    func moments(text: String, seconds: Int64) throws {
        let argument = try #require(SinceArgument(argument: text))
        #expect(argument.moment(at: Self.now) == Timestamp(seconds: seconds))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "d", "7", "7 d", "-7d", "+7d", "7y", "1234567890123d", "٧d", "2026-02-30", "2026-13-01", "2026-11-30 ",
            "2026-11-30 25:00", "2026-11-30 14", "14:00", "yesterday", "2026-11-30 14:00 CET", "2026-11-30T14:00T15:00",
        ])
    func refused(text: String) {
        #expect(SinceArgument(argument: text) == nil)
    }

    @Test("the help tells a default as it is typed")
    func described() {
        #expect(SinceArgument(days: 7).defaultValueDescription == "7d")
    }
}
