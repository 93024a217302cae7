import TestSupport

/// Free ports of the loopback address, each given out once.
///
/// They lie below the range from which the kernel takes ports for outgoing connections (and for "port 0"): a port
/// of that range, free now, may be some client's a moment later, before the server of the test has bound it.
enum Ports {
    private static let given = Locked<Set<Int>>([])

    /// A port that is free on 127.0.0.1.
    static func free() throws -> Int {
        try listen().port
    }

    /// A port with a socket that listens on it if `keepsSocket`, else with a descriptor that is closed by now.
    private static func listen(keepsSocket: Bool = false) throws -> (port: Int, descriptor: Int32) {
        for _ in 0..<1_000 {
            let port = Int.random(in: 20_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            guard let descriptor = try? Loopback.listen(at: port) else { continue }
            if !keepsSocket {
                Loopback.close(descriptor)
            }
            return (port, descriptor)
        }
        throw LabError("no free port")
    }

    /// A port and a socket that listens on it.
    static func listening() throws -> (port: Int, descriptor: Int32) {
        try listen(keepsSocket: true)
    }
}
