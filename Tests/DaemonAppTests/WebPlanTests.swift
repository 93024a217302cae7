import Server
import Settings
import Testing

@testable import DaemonApp

/// Where metrics and the page may be served.
struct WebPlanTests {
    private func plan(_ address: String, hosts: [String] = [], remote: Bool = false) throws -> WebPlan? {
        var server = Configuration.Server()
        (server.httpListen, server.httpHosts, server.httpAllowRemote) = (address, hosts, remote)
        return try WebPlan(server)
    }

    @Test(
        "Loopback and unix sockets are served as they are",
        arguments: [
            "inet:127.0.0.1:10923", "inet:127.1.2.3:1", "inet:[::1]:10923", "inet:localhost:10923",
            "unix:/run/tprt/http.sock",
        ])
    func local(_ address: String) throws {
        #expect(try plan(address)?.address.description.hasPrefix(String(address.prefix(5))) == true)
    }

    @Test(
        "What other machines reach wants http_allow_remote",
        arguments: ["inet:0.0.0.0:10923", "inet:[::]:10923", "inet:192.0.2.1:80", "inet:mx.example.com:80"])
    func remote(_ address: String) throws {
        #expect(throws: WebPlan.ParseError.self) { try plan(address) }
        #expect(try plan(address, remote: true) != nil)
    }

    @Test("Nothing is served without an address, nor at one that isn't one, nor by a name that isn't one")
    func refusals() throws {
        #expect(try plan("") == nil)
        for address in ["127.0.0.1:10923", "inet:127.0.0.1", "unix:relative", "http://127.0.0.1/"] {
            #expect(throws: WebPlan.ParseError.self) { try plan(address) }
        }
        for host in ["", "mx.example.com:443", "a b", "http://x"] {
            #expect(throws: WebPlan.ParseError.self) { try plan("inet:127.0.0.1:1", hosts: [host]) }
        }
        #expect(try plan("inet:127.0.0.1:1", hosts: ["mx.example.com"])?.hosts == ["mx.example.com"])
    }
}
