import FileStorage
import Foundation
import TestSupport
import Testing

@testable import FileStorage

struct UncleanShutdownMarkerTests {
    private static let digits = "0123456789abcdef0123456789abcdef"
    private static let this = BootID(digits.utf8)

    /// What is found, and whether it is ours: then it is empty while the database is open, until it is vouched for.
    @Test(
        arguments: [
            (nil, .nothing, true), ("", .unknown, true), (digits + "\n", .thisBoot, true),
            ("01234567-89AB-CDEF-0123-456789ABCDEF\n", .thisBoot, true),
            ("11111111111111111111111111111111\n", .unknown, true),
            (String(repeating: "\0", count: 37), .unknown, true),
            (digits, .nothing, false), (digits + "\n\n", .nothing, false), ("mine", .nothing, false),
            ("\n", .nothing, false),
        ] as [(String?, UncleanShutdownMarker.Finding, Bool)])
    func whatIsFound(_ content: String?, _ finding: UncleanShutdownMarker.Finding, _ isOurs: Bool) throws {
        try withDatabase { database, marker in
            if let content { try Data(content.utf8).write(to: marker) }
            let found = UncleanShutdownMarker(beside: database, boot: Self.this)
            #expect(found.finding == finding)
            #expect(try Data(contentsOf: marker) == Data((isOurs ? "" : content ?? "").utf8))
            found.vouch()
            #expect(try Data(contentsOf: marker) == Data((isOurs ? Self.digits + "\n" : content ?? "").utf8))
            found.remove()
            #expect(FileManager.default.fileExists(atPath: marker.path) != isOurs)
        }
    }

    @Test func inAnUnknownBootNothingIsVouchedFor() throws {
        try withDatabase { database, marker in
            try Data((Self.digits + "\n").utf8).write(to: marker)
            for _ in 0..<2 {
                let found = UncleanShutdownMarker(beside: database, boot: nil)
                #expect(found.finding == .unknown)
                found.vouch()
                #expect(try Data(contentsOf: marker).isEmpty)
            }
        }
    }

    @Test func aLinkIsNotFollowed() throws {
        try withDatabase { database, marker in
            let target = database + "-other"
            try Data((Self.digits + "\n").utf8).write(to: URL(filePath: target))
            try FileManager.default.createSymbolicLink(atPath: marker.path, withDestinationPath: target)
            let found = UncleanShutdownMarker(beside: database, boot: Self.this)
            #expect(found.finding == .nothing)
            found.vouch()
            found.remove()
            #expect(try Data(contentsOf: URL(filePath: target)).count == 33)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: marker.path) == target)
        }
    }

    private func withDatabase(_ body: (String, URL) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let database = directory.file("x.lmdb")
        try body(database, URL(filePath: database + "-open"))
    }
}
