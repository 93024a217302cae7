import Foundation
import Glibc
import TestSupport
import Testing

@testable import ServiceManager

/// What is understood of a service manager's variables, and what it is told.
struct ServiceManagerTests {
    @Test(arguments: [
        (ServiceNotice.ready, "READY=1"), (.stopping, "STOPPING=1"), (.alive, "WATCHDOG=1"),
        (.reloading(at: 12_345_678), "RELOADING=1\nMONOTONIC_USEC=12345678"), (.status("3 of 4"), "STATUS=3 of 4"),
        (.status("forged\nREADY=1"), "STATUS=forgedREADY=1"),
    ])
    func aNoticeIsPutIntoWords(_ notice: ServiceNotice, _ text: String) {
        #expect(notice.text == text)
    }

    @Test(arguments: [false, true])
    func aNoticeArrives(_ isAbstract: Bool) throws {
        let reader = try NotifyReader(at: isAbstract ? "@tprt-\(UUID().uuidString)" : nil)
        try NotifySocket(address: reader.address).send(.ready)
        #expect(reader.take() == ["READY=1"])
    }

    @Test(arguments: [
        "", "@", "/", "relative", "vsock:2:1234", "/nonexistent/socket", "/tmp",
        "/" + String(repeating: "x", count: 107),
    ])
    func anAddressThatIsNoneIsRefused(_ address: String) {
        let fault = #expect(throws: ServiceManagerError.self) { try NotifySocket(address: address) }
        #expect(fault?.description.hasPrefix("NOTIFY_SOCKET=\(address): ") == true)
    }

    @Test func aManagerThatHasGoneIsNoMatter() throws {
        var reader: NotifyReader? = try NotifyReader()
        let socket = try NotifySocket(address: reader?.address ?? "")
        reader = nil
        socket.send(.ready)
    }

    enum Event: Sendable { case serves, reloads, hasReloaded, stops }

    static let lives: [([Event], [String])] = [
        ([.serves, .reloads, .hasReloaded, .stops], ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]),
        // A reload during the start is no news, and its end isn't the start's.
        ([.reloads, .hasReloaded, .serves], ["READY=1"]),
        ([.reloads, .serves, .hasReloaded, .stops], ["READY=1", "STOPPING=1"]),
        ([.serves, .reloads, .stops, .hasReloaded], ["READY=1", "RELOADING=1", "STOPPING=1"]),
        ([.stops, .serves, .reloads, .stops], ["STOPPING=1"]),
    ]

    @Test(arguments: lives)
    func itIsToldInAnOrderThatMakesSense(_ events: [Event], _ notices: [String]) throws {
        let reader = try NotifyReader()
        let state = ServiceState(tells: try NotifySocket(address: reader.address))
        for event in events {
            switch event {
            case .serves: state.serves()
            case .reloads: state.reloads()
            case .hasReloaded: state.hasReloaded()
            case .stops: state.stops()
            }
        }
        #expect(reader.take().map { $0.split(separator: "\n").first.map(String.init) } == notices)
    }

    @Test(
        arguments: [
            ([:], nil), (["WATCHDOG_USEC": "30000000"], .seconds(30)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4711"], .seconds(30)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"], nil), (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "-1"], nil), (["WATCHDOG_USEC": "soon"], nil), (["WATCHDOG_PID": "4711"], nil),
        ] as [([String: String], Duration?)])
    func theWatchdogIsUnderstood(_ variables: [String: String], _ interval: Duration?) throws {
        let manager = try ServiceManager(environment: variables, process: 4_711)
        #expect(manager.watchdog == interval)
        #expect(manager.notifySocket == nil)
        #expect(manager.sockets.policy.isEmpty)
        let isOdd = ["0", "-1", "soon"].contains(variables["WATCHDOG_USEC"])
        #expect(manager.warnings.count == (isOdd ? 1 : 0))
    }
}
