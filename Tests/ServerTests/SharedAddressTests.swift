import Greylist
import LogOutput
import ScenarioFiles
import Storage
import Testing

@testable import Server

/// A private address that brings mail of many senders.
struct SharedAddressTests {
    /// How many senders it takes until the address is noticed; nil where it never is.
    private func notes(
        _ watch: inout SharedAddressWatch, _ client: String, _ senders: (Int) -> String, upTo limit: Int = 1_000
    ) throws -> Int? {
        let address = try #require(Address(client))
        for number in 0..<limit where watch.note(address, sender: Array(senders(number).utf8).span) {
            return number + 1
        }
        return nil
    }

    @Test func manyDomainsAreNoticedOnce() throws {
        var watch = SharedAddressWatch()
        let count = try #require(try notes(&watch, "172.17.0.1") { "a@domain-\($0).example" })
        #expect((28...64).contains(count))
        #expect(try notes(&watch, "172.17.0.1") { "b@other-\($0).example" } == nil)
    }

    @Test func fewDomainsAreNot() throws {
        var watch = SharedAddressWatch()
        #expect(try notes(&watch, "10.0.0.5") { "user-\($0)@domain-\($0 % 20).example" } == nil)
    }

    /// Others come and go meanwhile, more than there are places.
    @Test func anAddressThatBringsMuchKeepsItsPlace() throws {
        var watch = SharedAddressWatch()
        let proxy = try #require(Address("172.17.0.1"))
        var isNoticed = false
        for number in 0..<100 {
            let other = try #require(Address("10.0.0.\(number)"))
            _ = watch.note(other, sender: Array("a@local.example".utf8).span)
            for mail in 0..<2 where watch.note(proxy, sender: Array("a@d\(2 * number + mail).example".utf8).span) {
                isNoticed = true
            }
        }
        #expect(isNoticed)
    }

    @Test func theLogSaysSoOnceForEachAddress() throws {
        let stage = LoopStage(try ServingTests.engine(), level: .warnings)
        for _ in 0..<4 {
            let client = try stage.connect()
            for number in 0..<80 {
                for address in ["172.17.0.1", "fd00::1", "198.51.100.7"] {
                    let request = ServingTests.request(["client_address": address, "sender": "a@d\(number).example"])
                    #expect(try client.ask(request) != nil)
                }
            }
        }
        for address in ["172.17.0.1", "fd00::1"] {
            #expect(stage.log.contains { $0.contains("private client address \(address) brings mail of many senders") })
        }
        #expect(stage.log.count { $0.contains("brings mail of many senders") } == 2)
    }

    /// Whichever event loop notices it.
    @Test func aWarningIsGivenOnceForAllLoops() throws {
        let recorder = LogRecorder()
        let warning = SharedAddressWarning(logger: recorder.logger())
        for number in [1, 2, 1] { warning.tell(try #require(Address("10.0.0.\(number)"))) }
        #expect(recorder.lines.count == 2)
    }
}
