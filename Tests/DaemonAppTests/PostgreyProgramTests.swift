import Foundation
import Programs
import Testing

@testable import DaemonApp

@Suite("tprt-postgrey's own documents")
struct PostgreyProgramTests {
    /// What postgrey has for others than administrators, or refuses itself.
    private static let undocumented: Set<PostgreyCommandLine.Option> = [.man, .noaction]

    @Test("help and manual name every option", arguments: PostgreyCommandLine.Option.allCases)
    func options(_ option: PostgreyCommandLine.Option) throws {
        let manual = URL(filePath: #filePath).appending(path: "../../../man/tprt-postgrey.8").standardized
        let page = try String(contentsOf: manual, encoding: .utf8).replacing("\\-", with: "-").replacing(
            "Fl -", with: "--")
        let isDocumented = !Self.undocumented.contains(option)
        for (name, text) in [("help", PostgreyProgram.help), ("manual", page)] {
            let words = text.split { !($0.isLetter || $0.isNumber || $0 == "-") }
            #expect(words.contains { $0 == "--\(option.rawValue)" } == isDocumented, "\(name)")
        }
    }
}
