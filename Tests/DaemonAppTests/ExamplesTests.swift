import Foundation
import Programs
import Settings
import Testing
import WhitelistFiles

@testable import DaemonApp

/// The configurations below examples/, as `tprtd --check-config` sees them once they are installed.
@Suite("The examples")
struct ExamplesTests {
    private static let project = URL(filePath: #filePath).appending(path: "../../..").standardized

    /// The directories that have a configuration.
    private static let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [])
        .filter { FileManager.default.fileExists(atPath: file(of: $0).path) }

    private static var directory: URL { project.appending(path: "examples") }

    private static func file(of name: String) -> URL { directory.appending(path: "\(name)/tprt.conf") }

    @Test("there are eight of them")
    func areThere() {
        #expect(
            Set(Self.names) == [
                "single-server", "outgoing", "several-exchangers", "chroot", "per-recipient", "suspicious", "trial",
                "prometheus",
            ])
    }

    @Test("each is in order, and nothing is to be warned of", arguments: names)
    func isInOrder(_ name: String) throws {
        let lists = Self.project.appending(path: "etc/whitelist.d").path
        let text = try String(contentsOf: Self.file(of: name), encoding: .utf8)
            .replacing("/usr/share/tprt/whitelist.d", with: lists)
            .replacing("/etc/tprt/whitelist.d", with: lists)
            .replacing("/etc/tprt/suspicious", with: Self.directory.appending(path: "\(name)/suspicious").path)
        let loaded = try SettingSources(files: ["/etc/tprt/tprt.conf"]).load { _ in Array(text.utf8) }
        let plan = try Plan(loaded, environment: [:])
        #expect(plan.whitelists.read().warnings == [])
    }
}
