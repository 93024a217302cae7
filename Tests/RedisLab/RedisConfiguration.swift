import TestSupport

/// The configuration file of a server.
struct RedisConfiguration {
    let options: RedisOptions
    let directory: TemporaryDirectory
    let port: Int
    let administrator: RedisUser?
    let certificates: Certificates?

    func text() throws -> String {
        (try transport() + common + mode() + options.lines).joined(separator: "\n") + "\n"
    }

    static func socketPath(in directory: TemporaryDirectory) -> String { directory.file("redis.sock") }

    private func transport() throws -> [String] {
        switch options.transport {
        case .tcp:
            return ["port \(port)"]
        case .unix:
            return ["port 0", "unixsocket \(Self.socketPath(in: directory))", "unixsocketperm 700"]
        case .tls(names: _, let clientCertificates):
            guard let certificates else { throw TestError("TLS without certificates") }
            return [
                "port 0", "tls-port \(port)",
                "tls-cert-file \(certificates.server.certificate)", "tls-key-file \(certificates.server.key)",
                "tls-ca-cert-file \(certificates.authority)",
                "tls-auth-clients \(clientCertificates ? "yes" : "no")",
            ]
        }
    }

    private var common: [String] {
        var lines = ["bind 127.0.0.1\(options.mode == .alone ? " -::1" : "")", "dir \(directory.path)"]
        // Its end is quick: it writes no file, nor waits for replicas. New replicas needn't wait either.
        lines += ["save \"\"", "appendonly no", "shutdown-timeout 0", "repl-diskless-sync-delay 0"]
        if let administrator {
            lines.append(administrator.line(rules: "~* &* +@all"))
        }
        return lines
    }

    private func mode() throws -> [String] {
        switch options.mode {
        case .alone, .sentinel: []
        case .cluster:
            // By default the bus's port is `port` + 10000, which may be taken.
            ["cluster-enabled yes", "cluster-port \(try Ports.free())", "cluster-node-timeout 2000"]
        }
    }
}
