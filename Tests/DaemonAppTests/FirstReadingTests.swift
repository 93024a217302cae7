import NIOConcurrencyHelpers
import Testing
import WhitelistFiles
import Whitelists

@testable import DaemonApp

@Suite("The first reading of whitelists")
struct FirstReadingTests {
    /// Lists that are there when the test says so.
    private final class Gate: Sendable {
        private let lock = ConditionLock(value: 0)

        func open() {
            lock.lock()
            lock.unlock(withValue: 1)
        }

        func wait() {
            lock.lock(whenValue: 1)
            lock.unlock()
        }
    }

    private func sources(_ gate: Gate) throws -> WhitelistSources {
        try WhitelistSources(urls: ["redis://h/0"], options: SourceOptions()) { _ in
            RemoteSource(name: "redis://h/0") {
                gate.wait()
                let members = [("type", "remote_name"), ("domain", "mx.example.org")]
                return RemoteSource.Contents(
                    lists: [RemoteSource.List(name: "l", entries: [("k", members.map { (name: $0.0, value: $0.1) })])],
                    messages: [])
            }
        }
    }

    @Test("what is there in time is there at once, and not again")
    func inTime() async throws {
        let gate = Gate()
        gate.open()
        let reading = FirstReading(of: try sources(gate), through: .direct)
        #expect(await reading.result(within: .seconds(60))?.whitelist.count == 1)
        #expect(await reading.late()?.whitelist.count == nil)
    }

    @Test("what takes longer is waited for later, once")
    func late() async throws {
        let gate = Gate()
        let reading = FirstReading(of: try sources(gate), through: .direct)
        #expect(await reading.result(within: .zero)?.whitelist.count == nil)
        gate.open()
        #expect(await reading.late()?.whitelist.count == 1)
        #expect(await reading.late()?.whitelist.count == nil)
    }
}
