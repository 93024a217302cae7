import RedisLab
import RedisStore
import Storage
import StoreURLs
import TestSupport
import Testing

@testable import RedisClient

struct TLSTests {
    /// What is asked for, and the message; none where it is served.
    private static func check(_ server: RedisServer, _ url: String, _ message: String?) async throws {
        let files = try #require(server.certificates)
        let client = try await LiveClient(
            url.replacing("PORT", with: "\(server.port)").replacing("CA", with: files.authority)
                .replacing("FOREIGN", with: files.foreignAuthority)
                .replacing("CERT", with: files.client.certificate).replacing("KEY", with: files.client.key)
                .replacing("ALIEN", with: files.foreignClient.certificate)
                .replacing("ODD", with: files.foreignClient.key))
        let reply = try await client.ask("SET", "k", "v")
        if let message {
            #expect(reply.fault?.kind == .misconfigured, "\(url)")
            #expect(reply.fault?.message.contains(message) == true, "\(url): \(reply)")
            #expect(client.warnings.count == 1)
        } else {
            #expect(reply.value == .simple("OK"), "\(url): \(reply)")
            #expect(client.warnings == [])
        }
    }

    @Test(
        arguments: [
            ("rediss://localhost:PORT?ca_file=CA", nil), ("rediss://127.0.0.1:PORT?ca_file=CA", nil),
            ("rediss://127.0.0.1:PORT?ca_file=CA&server_name=localhost", nil),
            ("rediss://localhost:PORT?ca_file=FOREIGN", "(option ca_file)"),
            ("rediss://localhost:PORT", "(option ca_file)"),
            ("rediss://localhost:PORT?verify=no", nil),
        ] as [(String, String?)])
    func theServerIsVerified(_ url: String, _ message: String?) async throws {
        try await Self.check(try await RedisServer.start(.tls), url, message)
    }

    @Test(
        arguments: [
            (["DNS:localhost"], "127.0.0.1", "(option server_name)"), (["DNS:localhost"], "localhost", nil),
            (["DNS:other.example"], "localhost", "(option server_name)"), (["IP:127.0.0.1"], "127.0.0.1", nil),
            (["DNS:other.example"], "[::1]", "(option server_name)"),
            (["DNS:*.example"], "127.0.0.1", "(option server_name)"),
            (["IP:127.0.0.2"], "127.0.0.1", "(option server_name)"),
        ] as [([String], String, String?)])
    func namesAndAddressesHaveToMatch(_ names: [String], _ host: String, _ message: String?) async throws {
        try await Self.check(
            try await RedisServer.start(.tls(names: names)), "rediss://\(host):PORT?ca_file=CA", message)
    }

    @Test(
        arguments: [
            ("&cert_file=CERT&key_file=KEY", nil), ("", "our certificate"),
            ("&cert_file=ALIEN&key_file=ODD", "our certificate"),
        ] as [(String, String?)])
    func aServerMayWantOurCertificate(_ options: String, _ message: String?) async throws {
        let server = try await RedisServer.start(.tls(clientCertificates: true))
        try await Self.check(server, "rediss://localhost:PORT?ca_file=CA\(options)", message)
    }

    @Test func bothSidesHaveToSpeakTLS() async throws {
        let plain = try await RedisServer.start()
        // It takes the handshake for the beginning of a line, and waits for its end.
        let client = try await LiveClient("rediss://127.0.0.1:\(plain.port)", limits: RedisLimits())
        #expect(try await client.ask("GET", "k").isUnavailable)
        let encrypted = try await RedisServer.start(.tls)
        let other = try await LiveClient("redis://127.0.0.1:\(encrypted.port)")
        #expect(try await other.ask("GET", "k").isUnavailable)
    }

    @Test func filesThatCannotBeReadAreNamed() async throws {
        let server = try await RedisServer.start(.tls)
        let files = try #require(server.certificates)
        let cases: [(String, String)] = [
            ("rediss://h?ca_file=/none", "/none: no certificate in PEM can be read from it (option ca_file)"),
            ("rediss://h?ca_file=\(files.client.key)", "(option ca_file)"),
            ("rediss://h?cert_file=/none&key_file=/none", "/none: no certificate in PEM"),
            ("rediss://h?cert_file=\(files.client.certificate)&key_file=/none", "/none: no private key in PEM"),
            ("rediss://h?cert_file=\(files.client.certificate)&key_file=\(files.foreignClient.key)", "is the key that"),
            ("redis://h?password_file=/none", "/none: the password can't be read (No such file or directory)"),
            ("redis://h?password_file=/dev/null", "/dev/null: the password can't be read (is not a regular file)"),
            ("redis://h?password_file=\(server.directory.path)/.", "the password can't be read"),
        ]
        for (url, message) in cases {
            guard case .redis(let location) = try StoreLocation(url: url) else { continue }
            let error = #expect(throws: StoreError.self) { try RedisAccess(location) { _ in } }
            #expect(error?.description.contains(message) == true, "\(url): \(String(describing: error))")
        }
    }
}
