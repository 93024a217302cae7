import NIOHTTP1

/// Decides what becomes of a request, by its head alone: who may ask, for what, by which name.
///
/// It is one listener's, and has no state but the tokens.
struct RequestRouter: Sendable {
    /// What to do.
    enum Plan {
        /// Answer so, and close the connection whatever the client wants, or not.
        case respond(WebResponse, closes: Bool)
        /// Ask the route, and add these headers to what it says.
        case ask(WebRoute, WebRequest, headers: HTTPHeaders)
    }

    /// From where to where a connection goes.
    struct Ends: Sendable {
        /// Who asks, for the log.
        var client: String
        /// The IP address at which the server was reached; nil for a unix socket.
        var server: String?
    }

    private let hosts: HostRules
    private let cookie: SessionCookie
    private let routes: [String: WebRoute]
    private let access: WebAccess
    private let log: @Sendable (WebEvent) -> Void

    init(
        address: WebListener.Address, hosts: [String], routes: [WebRoute], access: WebAccess,
        log: @escaping @Sendable (WebEvent) -> Void
    ) {
        self.hosts = HostRules(hosts: hosts, address: address)
        cookie = SessionCookie(of: address)
        self.routes = Dictionary(routes.map { ($0.path, $0) }) { _, _ in
            preconditionFailure("two routes have the same path")
        }
        self.access = access
        self.log = log
    }

    /// What becomes of a request.
    func plan(for head: HTTPRequestHead, ends: Ends) -> Plan {
        do throws(Refusal) {
            let target = RequestTarget(head.uri)
            let isNamed = try checkHost(of: head, target: target, reachedAt: ends.server)
            guard head.method == .GET || head.method == .HEAD else {
                var response = WebResponse(.methodNotAllowed, text: "Only GET and HEAD.")
                response.headers.add(name: "Allow", value: "GET, HEAD")
                throw Refusal(response: response, closes: false)
            }
            guard !head.hasBody else { throw .badRequest("A request has no body here.") }
            guard let target else { throw .badRequest("The address of the request can't be read.") }
            return try plan(for: target, head: head, isSecure: isNamed, client: ends.client)
        } catch {
            return .respond(error.response, closes: error.closes)
        }
    }

    /// Whether it was asked by a name of the setting; throws where by none that it answers to.
    private func checkHost(
        of head: HTTPRequestHead, target: RequestTarget?, reachedAt reached: String?
    ) throws(Refusal) -> Bool {
        let values = head.headers["host"]
        guard values.count == 1 else { throw .badRequest("A request has one Host header.") }
        var isNamed = false
        // A whole URL says by itself which host is meant. Whether the header says so too is no matter, if both are ours.
        for value in values + [target?.authority].compactMap({ $0 }) {
            switch hosts.verdict(on: value, reachedAt: reached) {
            case .local: isNamed = false
            case .named: isNamed = true
            case .malformed: throw .badRequest("The name of the host can't be read.")
            case .foreign:
                throw Refusal(
                    response: WebResponse(
                        .misdirected,
                        text: "This server doesn't go by that name. If it is its own, add it to server.http_hosts."),
                    closes: true)
            }
        }
        return isNamed
    }

    private func plan(
        for target: RequestTarget, head: HTTPRequestHead, isSecure: Bool, client: String
    ) throws(Refusal) -> Plan {
        let cookies = cookie.values(in: head.headers)
        // Who only looks with HEAD, such as a preview of links, must not use the code up.
        if target.path == "/", head.method == .GET, let code = target.query["code"] {
            return .respond(
                signIn(code: code, cookies: cookies, isSecure: isSecure, client: client), closes: false)
        }
        guard let route = routes[target.path] else {
            throw Refusal(response: WebResponse(.notFound, text: "There is nothing here."), closes: false)
        }
        let standing = access.standing(cookies: cookies)
        note(standing, from: client)
        var headers = HTTPHeaders()
        switch standing {
        case .wrong, .paused: headers.add(name: "Set-Cookie", value: cookie.clearing(isSecure: isSecure))
        case .signedIn, .admitted, .unknown: break
        }
        guard standing == .signedIn || !route.needsToken else {
            var response = standing == .paused ? WebResponse.paused : .notSignedIn
            response.headers.add(contentsOf: headers)
            throw Refusal(response: response, closes: false)
        }
        let request = WebRequest(path: target.path, query: target.query, isAuthorized: standing == .signedIn)
        return .ask(route, request, headers: headers)
    }

    /// Lets a browser in that has a code, and takes the code out of its address bar.
    private func signIn(code: String, cookies: [String], isSecure: Bool, client: String) -> WebResponse {
        let standing = access.signIn(code: code, cookies: cookies)
        note(standing, from: client)
        switch standing {
        case .admitted(let token):
            var response = WebResponse.root
            response.headers.add(name: "Set-Cookie", value: cookie.setting(token, isSecure: isSecure))
            return response
        case .signedIn: return .root
        case .unknown, .wrong: return .notSignedIn
        case .paused: return .paused
        }
    }

    private func note(_ standing: WebAccess.Standing, from client: String) {
        switch standing {
        case .admitted: log(.signedIn(from: client))
        case .wrong(let isLast):
            log(.wrongToken(from: client))
            if isLast { log(.signInPaused) }
        case .signedIn, .unknown, .paused: break
        }
    }
}

/// Why a request gets to no route.
private struct Refusal: Error {
    let response: WebResponse
    let closes: Bool

    static func badRequest(_ text: String) -> Refusal {
        Refusal(response: WebResponse(.badRequest, text: text), closes: true)
    }
}

extension HTTPRequestHead {
    /// Whether bytes of its own follow.
    ///
    /// They are never read: what a request has behind its head could pass for another one.
    fileprivate var hasBody: Bool {
        headers.contains(name: "content-length") || headers.contains(name: "transfer-encoding")
    }

    /// Whether it is the last one that can be read: what follows may not be a request.
    ///
    /// An upgrade that is asked for is none of
    /// ours, but the decoder stops there.
    var isLast: Bool { hasBody || method == .CONNECT || headers.contains(name: "upgrade") }
}

extension WebResponse {
    fileprivate static let root: WebResponse = {
        var response = WebResponse(.seeOther, text: "You are signed in.")
        response.headers.add(name: "Location", value: "/")
        return response
    }()

    fileprivate static let notSignedIn: WebResponse = {
        var response = WebResponse(
            .unauthorized,
            text: """
                You are not signed in, or no longer.

                Run on the mail server, as root:

                    tprtctl web

                and open the address that it prints within a minute. It works once.
                """)
        // A status that must come with a scheme. Browsers know none of that name, and show the text.
        response.headers.add(name: "WWW-Authenticate", value: "Cookie realm=\"tprtctl web\"")
        return response
    }()

    fileprivate static let paused: WebResponse = {
        var response = WebResponse(
            .tooManyRequests, text: "There were too many wrong codes. Wait a minute, then run: tprtctl web")
        response.headers.add(name: "Retry-After", value: "60")
        return response
    }()
}
