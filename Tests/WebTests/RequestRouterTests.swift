import NIOConcurrencyHelpers
import NIOHTTP1
import Testing

@testable import Web

@Suite("What becomes of a request")
struct RequestRouterTests {
    private let clock = MovedClock()
    private let access: WebAccess
    private let events = NIOLockedValueBox<[WebEvent]>([])

    init() {
        access = WebAccess(now: clock.now)
    }

    private func router(_ address: WebListener.Address = .inet("127.0.0.1", port: 10_923)) -> RequestRouter {
        let routes = [("/", false), ("/metrics", false), ("/api/waiting", true)].map { path, needsToken in
            WebRoute(path, needsToken: needsToken) { _ in WebResponse(.ok, text: path) }
        }
        return RequestRouter(
            address: address, hosts: ["mail.example.com"], routes: routes, access: access,
            log: { event in events.withLockedValue { $0.append(event) } })
    }

    private func plan(
        _ method: HTTPMethod = .GET, _ target: String, _ headers: [(String, String)] = [("Host", "localhost")],
        at address: WebListener.Address = .inet("127.0.0.1", port: 10_923)
    ) -> RequestRouter.Plan {
        router(address).plan(
            for: HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: HTTPHeaders(headers)),
            ends: RequestRouter.Ends(client: "192.0.2.1", server: "127.0.0.1"))
    }

    private func cookie(_ value: String, name: String = "tprt-10923") -> [(String, String)] {
        [("Host", "localhost"), ("Cookie", "\(name)=\(value)")]
    }

    /// The cookie of a browser that has signed in.
    private func signIn() throws -> String {
        let response = try #require(plan(.GET, "/?code=\(access.makeCode())").response)
        let header = try #require(response.headers.first(name: "set-cookie"))
        let value = header.split(separator: ";")[0].split(separator: "=")[1]
        return String(value)
    }

    @Test(
        "the host comes first, then the method, the body, the target and the path",
        arguments: [
            (.GET, "/", [("Host", "localhost")], nil),
            (.HEAD, "/metrics", [("host", "127.0.0.1:10923")], nil),
            (.GET, "http://localhost/metrics", [("Host", "localhost")], nil),
            (.GET, "/", [], 400),
            (.GET, "/", [("Host", "localhost"), ("Host", "localhost")], 400),
            (.GET, "/", [("Host", "localhost"), ("HOST", "evil.example")], 400),
            (.GET, "/", [("Host", "local host")], 400),
            (.GET, "/", [("Host", "evil.example")], 421),
            (.POST, "/nothing", [("Host", "evil.example"), ("Content-Length", "5")], 421),
            (.GET, "/%", [("Host", "evil.example")], 421),
            (.GET, "/?code=x", [("Host", "evil.example")], 421),
            (.GET, "http://evil.example/metrics", [("Host", "localhost")], 421),
            (.GET, "http://localhost/metrics", [("Host", "evil.example")], 421),
            (.GET, "http://user@localhost/", [("Host", "localhost")], 400),
            (.POST, "/", [("Host", "localhost")], 405),
            (.POST, "/", [("Host", "localhost"), ("Content-Length", "5")], 405),
            (.OPTIONS, "*", [("Host", "localhost")], 405),
            (.CONNECT, "localhost:80", [("Host", "localhost")], 405),
            (.TRACE, "/", [("Host", "localhost")], 405),
            (.GET, "/", [("Host", "localhost"), ("Content-Length", "0")], 400),
            (.GET, "/", [("Host", "localhost"), ("content-length", "5")], 400),
            (.GET, "/", [("Host", "localhost"), ("Transfer-Encoding", "chunked")], 400),
            (.GET, "/%", [("Host", "localhost")], 400),
            (.GET, "*", [("Host", "localhost")], 400),
            (.GET, "/nothing", [("Host", "localhost")], 404),
            (.GET, "/metrics/", [("Host", "localhost")], 404),
            (.GET, "/../metrics", [("Host", "localhost")], 404),
            (.GET, "//metrics", [("Host", "localhost")], 404),
            (.GET, "/api/waiting", [("Host", "localhost")], 401),
        ] as [(HTTPMethod, String, [(String, String)], Int?)])
    func order(method: HTTPMethod, target: String, headers: [(String, String)], status: Int?) {
        #expect(plan(method, target, headers).response?.status.rawValue == status)
    }

    @Test(
        "what could be followed by something else than a request ends the connection",
        arguments: [
            (.GET, "/", [("Host", "evil.example")], true), (.GET, "/", [], true),
            (.GET, "/", [("Host", "localhost"), ("Content-Length", "5")], true),
            (.GET, "/nothing", [("Host", "localhost")], false), (.POST, "/", [("Host", "localhost")], false),
        ] as [(HTTPMethod, String, [(String, String)], Bool)])
    func closes(method: HTTPMethod, target: String, headers: [(String, String)], expected: Bool) throws {
        guard case .respond(_, let closes) = plan(method, target, headers) else {
            Issue.record("it got to a route")
            return
        }
        #expect(closes == expected)
    }

    @Test("the refusals say what helps")
    func help() {
        #expect(plan(.POST, "/").response?.headers["allow"] == ["GET, HEAD"])
        #expect(plan(.GET, "/", [("Host", "a.example")]).response?.text.contains("server.http_hosts") == true)
        let unauthorized = plan(.GET, "/api/waiting").response
        #expect(unauthorized?.text.contains("tprtctl web") == true)
        #expect(unauthorized?.headers["www-authenticate"].count == 1)
    }

    @Test("a code becomes a cookie, and goes out of the address bar")
    func signingIn() throws {
        let response = try #require(plan(.GET, "/?code=\(access.makeCode())").response)
        #expect(response.status == .seeOther)
        #expect(response.headers["location"] == ["/"])
        let header = try #require(response.headers.first(name: "set-cookie"))
        let parts = header.split(separator: ";").map { $0.trimmingPrefix(" ") }
        #expect(parts[0].wholeMatch(of: /tprt-10923=[A-Za-z0-9]{43}/) != nil)
        #expect(parts.dropFirst() == ["Max-Age=43200", "Path=/", "HttpOnly", "SameSite=Strict"])
        #expect(events.withLockedValue { $0 } == [.signedIn(from: "192.0.2.1")])
        let token = String(parts[0].dropFirst("tprt-10923=".count))
        #expect(plan(.GET, "/api/waiting", cookie(token)).request?.isAuthorized == true)
        #expect(plan(.GET, "/", cookie(token)).request?.isAuthorized == true)
        #expect(plan(.GET, "/").request?.isAuthorized == false)
    }

    @Test("behind a proxy with TLS the cookie is for TLS only, and a unix socket has no port to name it by")
    func names() throws {
        func cookie(_ host: String, _ address: WebListener.Address, _ target: String = "/") -> String? {
            plan(.GET, "\(target)?code=\(access.makeCode())", [("Host", host)], at: address)
                .response?.headers.first(name: "set-cookie")
        }
        let inet = WebListener.Address.inet("127.0.0.1", port: 8_080)
        #expect(cookie("mail.example.com", inet)?.hasPrefix("tprt-8080=") == true)
        #expect(cookie("mail.example.com", inet)?.hasSuffix("; Secure") == true)
        #expect(cookie("localhost", inet)?.contains("Secure") == false)
        #expect(cookie("localhost", inet, "http://mail.example.com/")?.hasSuffix("; Secure") == true)
        #expect(cookie("mail.example.com", inet, "http://localhost/")?.contains("Secure") == false)
        #expect(cookie("any.example", .unix("/s"))?.hasPrefix("tprt=") == true)
        #expect(cookie("mail.example.com", .unix("/s"))?.hasSuffix("; Secure") == true)
    }

    @Test("a wrong code is refused, and after ten of them in a minute a right one")
    func wrongCodes() throws {
        let token = try signIn()
        let code = access.makeCode()
        for _ in 0..<10 { #expect(plan(.GET, "/?code=x").response?.status == .unauthorized) }
        let paused = plan(.GET, "/?code=\(code)").response
        #expect(paused?.status == .tooManyRequests)
        #expect(paused?.headers["retry-after"] == ["60"])
        #expect(paused?.headers["set-cookie"] == [])
        #expect(plan(.GET, "/?code=x").response?.status == .tooManyRequests)
        #expect(plan(.GET, "/api/waiting", cookie("x")).response?.status == .tooManyRequests)
        #expect(plan(.GET, "/api/waiting").response?.status == .unauthorized)
        #expect(plan(.GET, "/", cookie("x")).request?.isAuthorized == false, "what is open stays so")
        #expect(plan(.GET, "/api/waiting", cookie(token)).request?.isAuthorized == true)
        #expect(plan(.GET, "/?code=x", cookie(token)).response?.status == .seeOther)
        let expected =
            [.signedIn(from: "192.0.2.1")] + [WebEvent](repeating: .wrongToken(from: "192.0.2.1"), count: 10) + [
                .signInPaused
            ]
        #expect(events.withLockedValue { $0 } == expected)
        clock.move(.seconds(60))
        #expect(plan(.GET, "/?code=\(access.makeCode())").response?.status == .seeOther)
    }

    @Test("who only looks doesn't use a code up, and a code counts at the root only")
    func lookers() {
        let code = access.makeCode()
        #expect(plan(.HEAD, "/?code=\(code)").request?.path == "/")
        #expect(plan(.GET, "/metrics?code=\(code)").request?.query == ["code": code])
        #expect(plan(.GET, "/?code=\(code)").response?.status == .seeOther)
    }

    @Test("a cookie that is over is taken from the browser, so that it counts as wrong but once")
    func oldCookies() throws {
        let cleared = "tprt-10923=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"
        #expect(plan(.GET, "/metrics", cookie("x")).headers?["set-cookie"] == [cleared])
        #expect(plan(.GET, "/api/waiting", cookie("x")).response?.headers["set-cookie"] == [cleared])
        let secure = [("Host", "mail.example.com"), ("Cookie", "tprt-10923=x")]
        #expect(plan(.GET, "/metrics", secure).headers?["set-cookie"] == [cleared + "; Secure"])
        #expect(plan(.GET, "/metrics").headers?.isEmpty == true)
        let token = try signIn()
        #expect(plan(.GET, "/metrics", cookie(token)).headers?.isEmpty == true)
        clock.move(.seconds(12 * 3_600))
        #expect(plan(.GET, "/metrics", cookie(token)).headers?["set-cookie"] == [cleared])
    }

    @Test("the cookie is found among others, in several headers, and another port's is none of ours")
    func manyCookies() throws {
        let token = try signIn()
        func isSignedIn(_ cookies: String...) -> Bool? {
            plan(.GET, "/", [("Host", "localhost")] + cookies.map { ("Cookie", $0) }).request?.isAuthorized
        }
        #expect(isSignedIn("a=b; tprt-10923=\(token); c") == true)
        #expect(isSignedIn("a=b;tprt-10923=\(token)") == true)
        #expect(isSignedIn("a=b", "tprt-10923=\(token)") == true)
        #expect(isSignedIn("tprt-10923=x; tprt-10923=\(token)") == true)
        #expect(isSignedIn("tprt-10924=\(token)") == false)
        #expect(isSignedIn("xtprt-10923=\(token)") == false)
        #expect(isSignedIn("tprt-10923=\(token)x") == false)
        #expect(isSignedIn("tprt-10923=\"\(token)\"") == false)
        #expect(isSignedIn("", ";;", "=", "tprt-10923") == false)
        let many = (1...4).map { "tprt-10923=x\($0)" }.joined(separator: "; ")
        #expect(isSignedIn("\(many); tprt-10923=\(token)") == false, "so many are not looked at")
    }
}

extension RequestRouter.Plan {
    /// What is answered without a route.
    fileprivate var response: WebResponse? { if case .respond(let response, _) = self { response } else { nil } }

    /// What a route is asked.
    fileprivate var request: WebRequest? { if case .ask(_, let request, _) = self { request } else { nil } }

    /// What the response of a route has besides.
    fileprivate var headers: HTTPHeaders? { if case .ask(_, _, let headers) = self { headers } else { nil } }
}

extension WebResponse {
    fileprivate var text: String { String(decoding: body, as: UTF8.self) }
}
