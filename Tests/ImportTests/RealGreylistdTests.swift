import Foundation
import Greylist
import Testing

@testable import Import

/// Debian's greylistd, asked by its socket, and its files imported.
struct RealGreylistdTests {
    @Test(.timeLimit(.minutes(2)))
    func itsFilesAreRead() async throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "config",
            """
            [timeouts]
            retryMin = 0
            retryMax = 28800
            expire = 5184000
            [socket]
            path = \(folder.file("socket"))
            mode = 0660
            owner = \(NSUserName())
            [data]
            update = 3600
            statefile = \(folder.file("states"))
            tripletfile = \(folder.file("triplets"))
            savetriplets = true

            """)
        let program = try Program(["/usr/bin/python3", "/usr/sbin/greylistd", folder.file("config")], in: folder)
        func ask(_ text: String) async throws -> String {
            try await Program.ask(folder.file("socket"), text, isPolicy: false)
        }
        for round in 0..<2 {
            for number in 0..<300 where round == 0 || number.isMultiple(of: 10) {
                let sender = number.isMultiple(of: 7) ? "" : " User\(number)@example.org"
                let client = number < 200 ? "192.0.\(number).7" : "2001:db8:\(number)::abcd"
                let reply = try await ask("update \(client)\(sender) r\(number)@example.com")
                #expect(reply == (round == 0 ? "grey" : "white"))
            }
            if round == 0 { try await Task.sleep(for: .seconds(2)) }
        }
        #expect(try await ask("add --black 192.0.2.66 a@example.org b@example.com").contains("blacklist"))
        #expect(try await ask("save").contains("saved"))
        program.end()
        let clock = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        let texts = try ["states", "triplets"].map { name in
            (name: name, bytes: Array(try Data(contentsOf: URL(filePath: folder.file(name)))))
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
