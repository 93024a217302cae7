import Foundation
import Testing

@Suite("Manual pages as generated")
struct ManualFreshnessTests {
    /// The pages that are shipped are those that the declarations give; `make generate` writes them anew.
    @Test("Pages are fresh", arguments: try Pages.generated())
    func isFresh(page: ManualPage) throws {
        let generated = try page.generated()
        if ProcessInfo.processInfo.environment["TPRT_GENERATE"] != nil {
            try Data(generated.utf8).write(to: page.file)
        }
        #expect(try page.shipped() == generated, "run make generate")
        // Every place for a part was filled, and no other line looks like one.
        #expect(!page.parts.keys.contains(where: generated.contains))
        #expect(!generated.contains(/(?m)^@[A-Z]+@$/))
    }
}
