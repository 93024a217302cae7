import Foundation
import TestSupport
import Testing

/// What examples/several-exchangers says to Redis and its Sentinels, said to real ones: a master and a Sentinel here.
@Suite("The example with Redis", .blocking)
struct RedisExampleTests {
    private static let example = URL(filePath: #filePath)
        .appending(path: "../../examples/several-exchangers").standardized.path

    @Test("tprtd finds the master through a Sentinel, over TLS, with the rights of its user")
    func redis() throws {
        try withLab { lab in
            let (master, sentinel) = (try Ports.free(), try Ports.free())
            try makeCertificates(in: lab.directory)
            let servers = [
                try start("redis.conf", ["redis-server"], at: master, beside: master, in: lab),
                try start("sentinel.conf", ["redis-server", "--sentinel"], at: sentinel, beside: master, in: lab),
            ]
            defer { for server in servers { server.end() } }

            let url = try databaseURL(sentinel: sentinel, in: lab)
            let daemon = try lab.start(
                extra: ["service.grey_db=\(url)", "service.awl_db=\(url)", "service.key_prefix=tprt:"].flatMap {
                    ["-i", $0]
                })
            let request = PolicyRequest(sender: "a@sender.example")
            try eventually("Redis is asked", every: 0.2) {
                _ = try daemon.ask(request)
                return try keys(at: master, in: lab).contains { $0.hasPrefix("tprt:") } ? () : nil
            }
            #expect(try daemon.ask(request).isGreylisted)
        }
    }

    /// A file of the example, with this machine's places in it, and a server that runs on it.
    private func start(
        _ file: String, _ command: [String], at port: UInt16, beside master: UInt16, in lab: Lab
    ) throws -> ChildProcess {
        let directory = try lab.directory.makeDirectory("\(port)")
        let text = try String(contentsOfFile: "\(Self.example)/\(file)", encoding: .utf8)
            .replacing("/etc/redis/tls/", with: "\(lab.directory.path)/")
            .replacing("/etc/redis/users.acl", with: "\(Self.example)/users.acl")
            .replacing("redis1.example.com 6379", with: "localhost \(master)")
            .replacing("redis1.example.com", with: "localhost")
            .replacing("port 26379", with: "port \(port)")
            .replacing("port 6379", with: "port \(port)")
            .replacing("bind * -::*", with: "bind 127.0.0.1\ndir \(directory)")
        let configuration = try lab.directory.write(text, to: "\(port)/\(file)")
        let log = open("\(directory)/log", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw TestError.system("open") }
        defer { close(log) }
        // Redis takes its file before any option.
        let words = [command[0], configuration] + command.dropFirst()
        return try ChildProcess.start(words, output: log, errors: log)
    }

    /// The URL of the example's databases, which the Sentinel on that port leads to.
    private func databaseURL(sentinel: UInt16, in lab: Lab) throws -> String {
        try lab.directory.write("change-this-1\n", to: "redis-password")
        let text = try String(contentsOfFile: "\(Self.example)/tprt.conf", encoding: .utf8)
        let url = try #require(text.firstMatch(of: /"grey_db": "([^"]+)"/), "no grey_db").1
        return String(url).replacing(/@[^\/]+\//, with: "@localhost:\(sentinel)/")
            .replacing("/etc/tprt/redis-ca.pem", with: "\(lab.directory.path)/ca.pem")
            .replacing("/etc/tprt/", with: "\(lab.directory.path)/")
    }

    /// What the example's user sees in Redis.
    private func keys(at port: UInt16, in lab: Lab) throws -> [Substring] {
        try run([
            "redis-cli", "--tls", "--cacert", lab.directory.file("ca.pem"), "-h", "localhost", "-p", "\(port)",
            "--user", "tprt", "--pass", "change-this-1", "--no-auth-warning", "--scan",
        ]).split(separator: "\n")
    }

    private func makeCertificates(in directory: TemporaryDirectory) throws {
        let script = """
            set -e
            cd "$1"
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
            echo subjectAltName=DNS:localhost > names
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \\
                -out server.pem
            """
        try run(["/bin/sh", "-c", script, "sh", directory.path])
    }
}
