import Foundation
import TestSupport
import Testing

/// What the documents have administrators type, typed on systems that are booted for it.
@Suite("On a booted system", .blocking)
struct BootedSystemTests {
    @Test("Installed, used, upgraded, tried, removed: each step does what the documents say")
    func documents() throws {
        let story = try runAsRoot([packaging("try-booted"), try programDirectory()], within: 900)
        let cases = try FileManager.default.contentsOfDirectory(atPath: packaging("booted/cases"))
        #expect(!cases.isEmpty)
        for name in cases {
            #expect(story.contains("\n== \(name): done in "), "\(name): \(story)")
        }
        #expect(story.contains("\n== all as it should be after "), "\(story)")
    }

    /// A document, and what is wrong with it.
    struct Document: CustomTestStringConvertible {
        let text: String
        let complaint: String
        var testDescription: String { text.replacing("\n", with: "|") }
    }

    @Test(
        "A block of commands without a mark that is understood is found",
        arguments: [
            Document(text: "# Title\n    rm -r /", complaint: ":2: this block has no mark"),
            Document(text: "Text:\n\n    rm -r /\n", complaint: ":3: this block has no mark"),
            Document(text: "Text:\n```sh\nrm -r /\n```\n", complaint: ":2: this block has no mark"),
            Document(text: "1. Text:\n\n       rm -r /\n", complaint: ":3: this block has no mark"),
            Document(text: "    one\n\nText.\n\n<!-- type: a -->\n    two\n", complaint: ":1: this block has no mark"),
            Document(text: "<!-- type: a -->\n    one\n\nText.\n\n    two\n", complaint: ":6: this block has no mark"),
            Document(text: "<!-- run: a -->\n    one\n", complaint: ":1: this mark is not understood: run: a"),
            Document(text: "<!-- not typed: -->\n    one\n", complaint: ":1: this mark is not understood: not typed:"),
            Document(text: "<!-- write: a -->\n    one\n", complaint: ":1: this mark is not understood: write: a"),
            Document(text: "<!-- type: a -->\nText.\n", complaint: ":2: no block follows the mark: type: a"),
            Document(text: "<!-- type: a -->\n\n    one\n", complaint: ":2: no block follows the mark: type: a"),
        ])
    func mistake(_ document: Document) throws {
        try withLab { lab in
            let path = try lab.directory.write(document.text, to: "document.md")
            let script = packaging("../scripts/marked-blocks")
            let said = try run(["sh", "-c", "\"$@\" && exit 9 || [ $? = 1 ]", "sh", script, "--check", path])
            #expect(said.contains("document.md\(document.complaint)"), "\(said)")
        }
    }

    @Test("A block is found as it is printed, with its mark")
    func blocks() throws {
        try withLab { lab in
            let text = """
                # Title
                <!-- type: a,b -->
                    one

                      two   # what

                - Text

                  <!-- write: a /etc/x -->
                  ```
                  three
                      four
                  ```

                   <!-- not typed: it is a picture -->
                       five
                """
            let path = try lab.directory.write(text, to: "document.md")
            let script = packaging("../scripts/marked-blocks")
            #expect(try run([script, "--check", path]) == "")
            let found = try run([script, path]).replacing(path, with: "")
            let expected = [
                "@:3\ttype: a,b", "|one", "|", "|  two   # what", "@:10\twrite: a /etc/x", "|three", "|    four",
                "@:16\tnot typed: it is a picture", "|five",
            ]
            #expect(found == expected.map { $0 + "\n" }.joined())
        }
    }
}
