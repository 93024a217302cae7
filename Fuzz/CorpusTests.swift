import Foundation
import Testing

/// All inputs that are kept, whether they were thought out or found: each reader keeps its promises with its own.
@Suite("Inputs that were made up")
struct CorpusTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent()

    @Test("a reader keeps its promises", arguments: FuzzTarget.all.map(\.name))
    func replay(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let corpus = Self.directory.appending(path: "\(name)/corpus")
        let files = try FileManager.default.contentsOfDirectory(at: corpus, includingPropertiesForKeys: nil)
        #expect(files.count >= 3, "the corpus of \(name) is nearly empty")
        for file in files {
            let input = Array(try Data(contentsOf: file))
            #expect(throws: Never.self, "\(name)/corpus/\(file.lastPathComponent)") { try target.check(input) }
        }
        #expect(throws: Never.self, "\(name): nothing at all") { try target.check([]) }
    }

    @Test("each directory is a reader's, and each has a row in the table")
    func directories() throws {
        let entries = try FileManager.default.subpathsOfDirectory(atPath: Self.directory.path)
        let corpora = entries.filter { $0.hasSuffix("/corpus") }.map { String($0.dropLast(7)) }
        #expect(Set(corpora) == Set(FuzzTarget.all.map(\.name)))
        let table = try String(contentsOf: Self.directory.appending(path: "README.md"), encoding: .utf8)
        for target in FuzzTarget.all { #expect(table.contains("\n| `\(target.name)/` | "), "\(target.name)") }
    }
}
