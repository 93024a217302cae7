import Foundation
import Settings
import Testing

struct ExampleFileTests {
    /// The example that is shipped is the one that the declarations give; `make generate` writes it anew.
    @Test("etc/tprt.conf is fresh")
    func isFresh() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../etc/tprt.conf")
        if ProcessInfo.processInfo.environment["TPRT_GENERATE"] != nil {
            try Data(Configuration.exampleFile().utf8).write(to: file)
        }
        let shipped = try String(contentsOf: file, encoding: .utf8)
        #expect(shipped == Configuration.exampleFile(), "run make generate")
    }
}
