import Foundation
import TestSupport
import Testing

@Suite("Manual pages as rendered")
struct ManualRenderingTests {
    @Test("man renders pages without a warning", arguments: try Pages.all())
    func renders(page: ManualPage) throws {
        let rendering = try CommandResult(
            of: ["man", "--warnings", "--encoding=UTF-8", "--local-file", page.file.path],
            variables: ["LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat", "GROFF_NO_SGR": "1"])
        #expect(rendering.errors == "")
        #expect(rendering.output.contains("SEE ALSO"))
        // No macro was taken for text.
        #expect(!rendering.output.contains(/(?m)^\s*\.[A-Z][a-z]\b/))
    }

    @Test("mandoc finds no fault in pages", arguments: try Pages.all())
    func isWellFormed(page: ManualPage) throws {
        let lint = try CommandResult(of: ["mandoc", "-T", "lint", "-W", "warning", page.file.path])
        #expect(lint.output + lint.errors == "")
    }
}
