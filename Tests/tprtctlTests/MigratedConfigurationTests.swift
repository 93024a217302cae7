import JSONText
import Settings
import Testing

@testable import tprtctl

@Suite("The configuration that a migration writes")
struct MigratedConfigurationTests {
    @Test("what a file sets is kept with its line, and written as it was said")
    func kept() throws {
        let file = ConfigurationFile(
            path: "/c",
            bytes: Array(
                """
                {"service": {"grey_delay": 7200,
                  "grey_db": "redis://:secret@h/1", "grey_text": "a \\"b\\""}}
                """.utf8))
        let former = try Configuration.load(files: [file])
        var configuration = MigratedConfiguration(keeping: former)
        configuration.set("service.awl_client_count", .int(5), "two\nlines")
        let text = configuration.text(["title"])
        for line in [
            "// title", "// as before (/c:1)", "\"grey_delay\": \"2h\",", "// as before (/c:2)",
            "\"grey_db\": \"redis://:secret@h/1\",", "// two lines",
        ] { #expect(text.contains("\(line)\n"), "\(text)") }
        let again = try configuration.loaded("/c")
        #expect(again.service.greyDelay == .seconds(7_200) && again.service.awlClientCount == 5)
        #expect(again.service.greyText == former.configuration.service.greyText)
        #expect(configuration.count == 4)
    }

    @Test("every setting can be written and read back")
    func all() throws {
        var configuration = MigratedConfiguration()
        for field in Configuration.fields where !field.isRefused {
            configuration.set(field.key, field.spoken(in: Configuration()), "its default")
        }
        #expect(try configuration.loaded("/c") == Configuration())
    }
}
