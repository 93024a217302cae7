import Foundation
import Greylist
import TestSupport
import Testing

@testable import Import

/// Debian's greylistd, asked by its socket, and its files imported.
struct RealGreylistdTests {
    @Test(.timeLimit(.minutes(2)))
    func itsFilesAreRead() async throws {
        let directory = try TemporaryDirectory()
        try directory.write(
            """
            [timeouts]
            retryMin = 0
            retryMax = 28800
            expire = 5184000
            [socket]
            path = \(directory.file("socket"))
            mode = 0660
            owner = \(NSUserName())
            [data]
            update = 3600
            statefile = \(directory.file("states"))
            tripletfile = \(directory.file("triplets"))
            savetriplets = true

            """, to: "config")
        let program = try await Program(["/usr/bin/python3", "/usr/sbin/greylistd", directory.file("config")])
        func ask(_ text: String) async throws -> String {
            try await Program.ask(directory.file("socket"), text, isPolicy: false)
        }
        for round in 0..<2 {
            for number in 0..<300 where round == 0 || number.isMultiple(of: 10) {
                let sender = number.isMultiple(of: 7) ? "" : " User\(number)@example.org"
                let client = number < 200 ? "192.0.\(number).7" : "2001:db8:\(number)::abcd"
                let expected = round == 0 ? "grey" : "white"
                try await waitUntil("it is \(expected)", every: .milliseconds(200)) {
                    try await ask("update \(client)\(sender) r\(number)@example.com") == expected
                }
            }
        }
        #expect(try await ask("add --black 192.0.2.66 a@example.org b@example.com").contains("blacklist"))
        #expect(try await ask("save").contains("saved"))
        try await program.end()
        let clock = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        let texts = try ["states", "triplets"].map { name in
            (name: name, bytes: Array(try Data(contentsOf: URL(filePath: directory.file(name)))))
        }
        let reading = Reading(.database(.greylistd), texts, options: ImportOptions(now: clock))
        #expect(reading.error == nil && reading.isAccounted)
        #expect(reading.counts.triplets == 300)
        #expect(reading.counts.leftOut == [.noEquivalent: 1, .unpaired: 1])
        var (passed, bounces) = (0, 0)
        for case .triplet(let triplet) in reading.entries {
            if triplet.times.hasPassed { passed += 1 }
            if triplet.sender.isEmpty { bounces += 1 }
        }
        #expect(passed == 30 && bounces == 43)
    }
}
