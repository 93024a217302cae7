import Foundation
import TestSupport
import Testing

@Suite("Installing", .blocking)
struct PackageTests {
    @Test("The Debian packages are installed, used, upgraded, removed and purged")
    func debianPackages() throws {
        try withLab { lab in
            let packages = try run(
                [packaging("build-deb"), "-z", "-p", try programDirectory(), "-o", lab.directory.path], within: 300)
            let paths = packages.split(separator: "\n").map(String.init)
            #expect(paths.count == 2)
            let story = try runAsRoot([packaging("try-deb")] + paths, within: 300)
            #expect(story.hasSuffix("== all as it should be\n"), "\(story)")
        }
    }

    @Test("make install puts everything below its prefix, keeps a configuration, and takes all away again")
    func installation() throws {
        try withLab { lab in
            let root = try lab.directory.makeDirectory("root")
            let variables = ["DESTDIR=\(root)", "PREFIX=/opt/tprt", "PROGRAMS=\(try programDirectory())"]
            let script = ["/usr/bin/env"] + variables + [packaging("install-files")]
            try run(script + ["install"])
            let manual = try String(contentsOfFile: "\(root)/opt/tprt/share/man/man8/tprtd.8", encoding: .utf8)
            #expect(manual.contains("Pa /opt/tprt/share/tprt/whitelist.d"))
            let configuration = "\(root)/etc/tprt/tprt.conf"
            let shipped = try String(contentsOfFile: configuration, encoding: .utf8)
            #expect(shipped.contains("?vendor=/opt/tprt/share/tprt/whitelist.d"))
            let checked = try run(["\(root)/opt/tprt/sbin/tprtd", "--check-config", "-c", configuration])
            #expect(checked.hasSuffix("the configuration is in order\n"))

            let documents = "\(root)/opt/tprt/share/doc/tprt"
            let pages = try run(["find", documents, "-name", "*.md"]).split(separator: "\n").map(String.init)
            #expect(pages.count > 20)
            #expect(try run([packaging("../scripts/check-links")] + pages) == "")
            let notice = try String(contentsOfFile: "\(documents)/NOTICE", encoding: .utf8)
            let resolved = try String(contentsOfFile: packaging("../Package.resolved"), encoding: .utf8)
            let libraries = resolved.matches(of: /"identity" : "([^"]+)"[^}]*"version" : "([^"]+)"/)
            #expect(libraries.count >= 12)
            for library in libraries {
                // Only tests are linked with that one.
                let isLinked = library.1 != "swift-subprocess"
                #expect(notice.contains("\n\(library.1) \(library.2) (") == isLinked, "\(library.1)")
            }
            for text in ["sources in CNIOBoringSSL", "The OpenSSL Project Authors", "Runtime Library Exception"] {
                #expect(notice.contains(text))
            }

            try Data("{}".utf8).write(to: URL(filePath: configuration))
            try run(script + ["install"])
            #expect(try String(contentsOfFile: configuration, encoding: .utf8) == "{}")

            try run(script + ["uninstall"])
            #expect(try run(["find", root, "-type", "f"]) == configuration + "\n")
        }
    }
}
