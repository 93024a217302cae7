import Foundation
import Testing

/// A manual page of the directory `man`.
struct ManualPage: Sendable, CustomTestStringConvertible {
    let name: String
    /// What stands for a line such as `@OPTIONS@` in `NAME.in`; empty where the page is written by hand.
    let parts: [String: [String]]

    private static let directory = repository.appending(path: "man")

    var testDescription: String { name }

    var file: URL { Self.directory.appending(path: name) }

    /// The page as it is shipped.
    func shipped() throws -> String {
        try String(contentsOf: file, encoding: .utf8)
    }

    /// The page as the declarations give it.
    func generated() throws -> String {
        let template = try String(contentsOf: Self.directory.appending(path: name + ".in"), encoding: .utf8)
        let lines = template.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return lines.flatMap { parts[$0] ?? [$0] }.joined(separator: "\n")
    }
}

/// The directory of the whole project.
let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
