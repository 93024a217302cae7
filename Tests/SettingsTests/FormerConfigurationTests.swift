import Foundation
import JSONText
import Settings
import Testing

@Suite("Configurations of earlier versions")
struct FormerConfigurationTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    /// The file has another value than the default for everything; beside it lies what `--print-config --json` printed
    /// for it before tables were data and words were changed.
    @Test("every setting means what it meant")
    func everySetting() throws {
        let bytes = Array(try Data(contentsOf: Self.fixtures.appending(path: "every-setting.conf")))
        let text = Array(try Data(contentsOf: Self.fixtures.appending(path: "every-setting.printed")))
        let printed = try JSONParser.parse(text).value
        let loaded = try Configuration.load(files: [ConfigurationFile(path: "every-setting.conf", bytes: bytes)])
        #expect(loaded.warnings.isEmpty)
        guard case .object(let sections) = printed else { throw FormerFileError() }
        var count = 0
        for (section, value) in sections {
            guard case .object(let values) = value else { throw FormerFileError() }
            for (name, value) in values {
                let field = try #require(Configuration.field("\(section).\(name)"), "\(section).\(name)")
                #expect(field.json(in: loaded.configuration) == value, "\(field.key)")
                #expect(field.isRefused || field.json(in: Configuration()) != value, "\(field.key) has its default")
                count += 1
            }
        }
        #expect(count == 64)
    }

    private struct FormerFileError: Error {}
}
