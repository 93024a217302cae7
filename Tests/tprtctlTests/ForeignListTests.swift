import ArgumentParser
import Foundation
import Import
import Programs
import TestSupport
import Testing
import WhitelistFiles

@testable import tprtctl

/// Lists of other programs as sources of `tprtctl whitelist`.
@Suite("Whitelists of other programs")
struct ForeignListTests {
    private func selection(_ arguments: [String]) throws -> WhitelistSelection {
        try WhitelistCheckCommand.parse(arguments).selection
    }

    @Test(
        "each is turned into a list of ours",
        arguments: [
            ("sqlgrey-fqdn", "mail.x.org # why\n*.y.org\n/^ms.*\\.rr\\.com$/\n", 3),
            ("sqlgrey-ip", "12.5.136.141 # Southwest\n64.12.137\n", 2),
            ("milter-greylist", "racl whitelist addr 192.0.2.0/24\nracl greylist default\n", 1),
            ("iredapd", "id,account,sender,comment\n1,@.,192.0.2.0/24,a\n2,@y.org,a@x.org,\n", 2),
            ("cidr", "192.0.2.0/24 permit\n", 1),
        ])
    func lists(scheme: String, text: String, count: Int) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(text, to: "list")
        let lists = try selection(["\(scheme)://\(path)"]).lists().lists
        #expect(lists.count == count)
        // What was written is read again as the same.
        let json = try directory.write(lists.text, to: "list.json")
        let again = try selection(["file://\(json)", "--regex"]).lists().lists
        #expect(again.text == lists.text)
    }

    @Test("what can't be read is named with its line, and something else is said to be that")
    func faults() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("192.0.2.1\nnonsense\n0.0.0.0/0\n", to: "ips")
        let reading = try selection(["sqlgrey-ip://\(path)"]).read()
        #expect(reading.entries.map(\.location) == ["\(path):1"])
        #expect(
            reading.faults == [
                "\(path):2 was skipped: not an address, network or name that could match: \"nonsense\"",
                "\(path):3 was skipped: 0.0.0.0/0 is wider than /8",
            ])
        let dump = try directory.write("VERSION=3\nformat=print\n", to: "dump")
        let error = try #require(throws: ProgramError.self) { try selection(["sqlgrey-ip://\(dump)"]).lists() }
        #expect(error.status == .dataError)
        #expect(error.messages.first?.hasPrefix("\(dump):1: not a clients_ip_whitelist of sqlgrey") == true)
    }

    @Test("regular expressions are honoured as in other lists")
    func expressions() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("/^mx[0-9]\\.x\\.org$/\n", to: "fqdn")
        #expect(try selection(["sqlgrey-fqdn://\(path)"]).read().faults.first?.contains("are off") == true)
        #expect(try selection(["sqlgrey-fqdn://\(path)", "--regex"]).read().entries.count == 1)
    }

    @Test("there is a scheme for each kind, and the daemon says how each is turned into ours")
    func schemes() {
        #expect(ForeignList.known.map(\.scheme).sorted() == ForeignListKind.allCases.map(\.rawValue).sorted())
        for scheme in ForeignList.known.map(\.scheme) {
            let error = #expect(throws: WhitelistError.self) {
                try WhitelistSource("\(scheme):///x", remote: { _ in nil })
            }
            #expect(error?.description.contains("tprtctl whitelist export") == true)
        }
    }
}
