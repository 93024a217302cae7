import Foundation
import Glibc
import TestSupport
import Testing

@testable import Server
@testable import ServiceManager

/// Sockets that a service manager hands over.
struct InheritedSocketsTests {
    /// What is handed over, and the message about it.
    enum Gift: String, CaseIterable {
        case nothing = "is not open"
        case file = "is not a socket"
        case datagrams = "is not a stream socket"
        case connected = "does not listen"

        /// Calls `body` with such a descriptor.
        func with(_ body: (CInt) throws -> Void) rethrows {
            var pair: [CInt] = [-1, -1]
            switch self {
            case .nothing: return try body(1_000_000)
            case .file: pair[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)
            case .datagrams: socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &pair)
            case .connected: socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
            }
            defer { for descriptor in pair { close(descriptor) } }
            try body(pair[0])
        }
    }

    private func sockets(
        _ first: CInt, process: String = "4711", count: String? = "1", names: String? = nil
    ) throws(ServiceManagerError) -> InheritedSockets {
        var variables = ["LISTEN_PID": process]
        variables["LISTEN_FDS"] = count
        variables["LISTEN_FDNAMES"] = names
        return try InheritedSockets(environment: variables, process: 4_711, first: first)
    }

    @Test(arguments: Gift.allCases)
    func whatCannotBeListenedOnIsRefused(_ gift: Gift) throws {
        gift.with { descriptor in
            let error = #expect(throws: ServiceManagerError.self) { try sockets(descriptor, names: "policy") }
            #expect(error?.description.contains("descriptor \(descriptor) (policy)") == true)
            #expect(error?.description.contains(gift.rawValue) == true)
            // And where it is another process's, it isn't even looked at.
            #expect(throws: Never.self) { try sockets(descriptor, process: "1") }
        }
    }

    @Test(arguments: ["", "-1", "x", "1 ", "99999999999", "2147483647"])
    func aCountThatIsNoneIsRefused(_ count: String) {
        #expect(throws: ServiceManagerError.self) { try sockets(3, count: count) }
    }

    @Test(arguments: [("1", "1"), ("", "1"), ("4711", "0"), ("4711", nil)])
    func withoutAWordToUsNothingIsTaken(_ process: String, _ count: String?) throws {
        #expect(try sockets(0, process: process, count: count).policyListeners(backlog: 5).isEmpty)
    }

    @Test(arguments: [("policy", 1), ("", 1), (nil, 1), ("control", 0)])
    func aListenerIsTakenWithItsAddressUnlessItIsTheControlSocket(_ name: String?, _ count: Int) throws {
        for address in [ListenAddress.inet(host: "127.0.0.1", port: 0), .inet(host: "::1", port: 0)] {
            let opened = try #require(try OpenListener.open(address, backlog: 5).first)
            defer { opened.close() }
            // As exec leaves it.
            _ = fcntl(opened.descriptor, F_SETFD, 0)
            let listeners = try sockets(opened.descriptor, names: name).policyListeners(backlog: 7)
            #expect(listeners.count == count)
            #expect(listeners.first.map(\.address) ?? opened.address == opened.address)
            #expect(listeners.first.map(\.backlog) ?? 7 == 7)
            #expect(fcntl(opened.descriptor, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func theFileOfAUnixSocketIsNotOurs() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.file("held")
        let opened = try #require(try OpenListener.open(.unix(path: path, mode: 0o600, group: ""), backlog: 5).first)
        let listener = try #require(try sockets(opened.descriptor).policyListeners(backlog: 5).first)
        #expect(listener.address.description == "unix:\(path)")
        listener.close()
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func anAbstractSocketHasAName() throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let text = "\0tprt-\(UUID().uuidString)"
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: text.utf8) }
        withUnsafePointer(to: name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, socklen_t(MemoryLayout<sa_family_t>.size + text.utf8.count))
            }
        }
        listen(descriptor, 5)
        let listeners = try sockets(descriptor).policyListeners(backlog: 5)
        #expect(listeners.map(\.address.description) == ["unix:@\(text.dropFirst())"])
    }
}
