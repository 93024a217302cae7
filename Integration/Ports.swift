import Foundation
import Synchronization

/// Free ports of the loopback address, each given out once.
///
/// They lie below the range from which the kernel takes ports for outgoing connections (and for "port 0"): a port
/// of that range, free now, may be some client's a moment later, before the server of the test has bound it.
enum Ports {
    private static let given = Mutex<Set<UInt16>>([])

    /// A port that is free on 127.0.0.1, or where `endpoint` says.
    static func free(at endpoint: (UInt16) -> Endpoint = Endpoint.inet) throws -> UInt16 {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            if let socket = try? ListeningSocket(at: endpoint(port)) {
                socket.close()
                return port
            }
        }
        throw HarnessError("no free port")
    }
}

/// A socket of the test's own that occupies an endpoint.
final class ListeningSocket {
    private var descriptor: Int32

    init(at endpoint: Endpoint) throws {
        descriptor = try endpoint.makeSocket()
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let bound = try endpoint.withAddress { bind(descriptor, $0, $1) }
        guard bound == 0, listen(descriptor, 1) == 0 else {
            let error = HarnessError.system("bind \(endpoint)")
            close()
            throw error
        }
    }

    deinit {
        close()
    }

    func close() {
        if descriptor >= 0 {
            Foundation.close(descriptor)
            descriptor = -1
        }
    }
}
