import Foundation
import Glibc
import Server
import SystemPackage
import TestSupport
import Testing

struct ListenerTests {
    static let addresses: [(String, ListenAddress)] = [
        ("inet:127.0.0.1:10023", .inet(host: "127.0.0.1", port: 10023)),
        ("inet:[::1]:10023", .inet(host: "::1", port: 10023)),
        ("inet:localhost:0", .inet(host: "localhost", port: 0)),
        ("unix:/run/p", .unix(path: "/run/p", mode: 0o660, group: "")),
        ("unix:/run/p?mode=0666&group=postfix", .unix(path: "/run/p", mode: 0o666, group: "postfix")),
    ]

    @Test(arguments: addresses)
    func anAddressIsRead(_ text: String, _ address: ListenAddress) throws {
        #expect(try ListenAddress(text, mode: 0o660, group: "") == address)
    }

    @Test(arguments: [
        "", "127.0.0.1:1", "inet:127.0.0.1", "inet::1", "inet:x:y", "inet:x:65536", "inet:x:-1", "inet:::1:5", "unix:",
        "unix:run/p", "unix:/", "unix:/p?mode=9", "unix:/p?mode=1777", "unix:/p?x=y", "unix:/p?mode", "tcp:1:2",
    ])
    func anAddressThatIsNoneIsRefused(_ text: String) {
        #expect(throws: ListenAddress.ParseError.self) { try ListenAddress(text, mode: 0o660, group: "") }
    }

    private func inDirectory(_ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { try body($0 + "/s") }
    }

    private func open(_ path: String, mode: UInt16 = 0o600, group: String = "", takesOverStale: Bool = true)
        throws(ListenError) -> OpenListener?
    {
        try OpenListener.open(
            .unix(path: path, mode: mode, group: group), backlog: 5, takesOverStale: takesOverStale
        ).first
    }

    @Test func othersFilesKeepTheirRightsMeanwhile() async throws {
        let folder = try TemporaryDirectory()
        await withTaskGroup(of: Void.self) { group in
            for name in 0..<3 {
                group.addTask {
                    for number in 0..<200 {
                        let path = folder.file("\(name).\(number)")
                        if name == 0 {
                            #expect(mkdir(path, 0o700) == 0)
                            #expect((try? Stat(path))?.permissions == .ownerReadWriteExecute, "\(number)")
                        } else {
                            let listener = try? open(path)
                            #expect(listener != nil)
                            listener?.close()
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [UInt16(0o600), 0o660, 0o666])
    func aSocketHasItsMode(_ mode: UInt16) throws {
        try inDirectory { path in
            let listener = try open(path, mode: mode)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.uint16Value == mode)
            listener?.close()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func aSocketThatIsServedIsRefusedAndItsOwnerNamed() throws {
        try inDirectory { path in
            let listener = try open(path)
            let error = #expect(throws: ListenError.self) { try open(path) }
            #expect(error?.code == .taken)
            #expect(error?.description.contains("process \(getpid()) (") == true)
            #expect(FileManager.default.fileExists(atPath: path))
            listener?.close()
        }
    }

    /// Leaves a socket file behind on which nobody listens.
    private func leaveStale(_ path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(descriptor)
    }

    @Test func aStaleSocketIsTakenOver() throws {
        try inDirectory { path in
            leaveStale(path)
            let listener = try open(path)
            #expect(listener != nil)
            listener?.close()
        }
    }

    @Test func aStaleSocketIsLeftWhereThatIsWanted() throws {
        try inDirectory { path in
            leaveStale(path)
            let error = #expect(throws: ListenError.self) { try open(path, takesOverStale: false) }
            #expect(error?.code == .taken)
        }
    }

    @Test func anotherFileIsLeftAlone() throws {
        try inDirectory { path in
            try Data("precious".utf8).write(to: URL(filePath: path))
            let error = #expect(throws: ListenError.self) { try open(path) }
            #expect(error?.code == .cannotCreate)
            #expect(try Data(contentsOf: URL(filePath: path)) == Data("precious".utf8))
        }
    }

    @Test func aPathOrGroupThatCannotBeIsRefused() throws {
        try inDirectory { path in
            let long = path + String(repeating: "x", count: 108)
            #expect(#expect(throws: ListenError.self) { try open(long) }?.code == .cannotCreate)
            #expect(#expect(throws: ListenError.self) { try open(path + "/missing/s") }?.code == .cannotCreate)
            #expect(#expect(throws: ListenError.self) { try open(path, group: "no-such-group") }?.code == .unusable)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func aSocketIsRemovedOnlyWhileItIsOurs() throws {
        try inDirectory { path in
            let listener = try open(path)
            try FileManager.default.removeItem(atPath: path)
            try Data("another's".utf8).write(to: URL(filePath: path))
            listener?.close()
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func aPortIsGivenAndThenTaken(_ host: String) throws {
        let listeners = try OpenListener.open(.inet(host: host, port: 0), backlog: 5)
        guard case .inet(let address, let port) = try #require(listeners.first).address else { return }
        #expect(port > 0)
        let error = #expect(throws: ListenError.self) {
            try OpenListener.open(.inet(host: address, port: port), backlog: 5)
        }
        #expect(error?.code == .taken)
        for listener in listeners { listener.close() }
    }

    @Test func aHostThatIsNotOursIsRefused() {
        let error = #expect(throws: ListenError.self) {
            try OpenListener.open(.inet(host: "192.0.2.1", port: 0), backlog: 5)
        }
        #expect(error?.code == .unusable)
    }
}
