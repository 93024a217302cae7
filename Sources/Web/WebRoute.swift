import Bytes
import NIOHTTP1

/// One resource: its path, who may see it, and what answers.
public struct WebRoute: Sendable {
    /// The path that it answers at, as clients write it once it is percent-decoded: `/api/waiting`.
    public let path: String
    /// Whether only browsers that are signed in get an answer; others are told how to sign in.
    public let needsToken: Bool
    let answer: @Sendable (WebRequest) async -> WebResponse

    /// A resource at a path, which begins with a slash and is met exactly.
    ///
    /// - Parameters:
    ///   - answer: called off the server's event loop, for GET and for HEAD, whose body is dropped; up to 16 calls run at
    ///     once. Its task is cancelled when the client has gone or ``WebLimits/answer`` is over.
    public init(
        _ path: String, needsToken: Bool, answer: @escaping @Sendable (WebRequest) async -> WebResponse
    ) {
        precondition(path.utf8.first == UInt8(ascii: "/"), "a route's path begins with a slash")
        self.path = path
        self.needsToken = needsToken
        self.answer = answer
    }
}

/// What a client asks of a route.
public struct WebRequest: Sendable, Equatable {
    /// The path, percent-decoded; it is the route's.
    public let path: String
    /// The parameters behind the question mark, decoded, at most 32; hostile text of up to 8 KiB.
    public let query: [String: String]
    /// Whether the browser is signed in, so that addresses may be shown to it.
    public let isAuthorized: Bool

    /// A request; tests of routes make some of their own.
    public init(path: String, query: [String: String] = [:], isAuthorized: Bool = false) {
        self.path = path
        self.query = query
        self.isAuthorized = isAuthorized
    }
}

/// What a client gets; the server adds the headers that every response has.
public struct WebResponse: Sendable, Equatable {
    /// How it went, as HTTP numbers it.
    public enum Status: Int, Sendable {
        /// Here it is.
        case ok = 200
        /// It is at `/`.
        case seeOther = 303
        /// The request makes no sense.
        case badRequest = 400
        /// Only for those who are signed in.
        case unauthorized = 401
        /// There is no such thing.
        case notFound = 404
        /// Neither GET nor HEAD.
        case methodNotAllowed = 405
        /// The request didn't come in time.
        case requestTimeout = 408
        /// The name that was asked for is not one of this server.
        case misdirected = 421
        /// Too many wrong codes.
        case tooManyRequests = 429
        /// The head is too large.
        case headTooLarge = 431
        /// The route failed.
        case internalServerError = 500
        /// Not now.
        case unavailable = 503
        /// Neither HTTP/1.0 nor HTTP/1.1.
        case versionNotSupported = 505
    }

    /// How it went.
    public let status: Status
    /// What the body is, such as `text/html; charset=utf-8`.
    public let contentType: String
    /// The content.
    public let body: [UInt8]
    /// What it has besides, each with its name.
    var headers = HTTPHeaders()

    /// A response with these bytes.
    ///
    /// - Parameter contentType: printable ASCII
    public init(_ status: Status = .ok, contentType: String, body: [UInt8]) {
        precondition(contentType.utf8.allSatisfy(\.isPrintable), "a content type is printable ASCII")
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A response of plain text, for people.
    public init(_ status: Status, text: String) {
        self.init(status, contentType: "text/plain; charset=utf-8", body: Array("\(text)\n".utf8))
    }
}

extension WebResponse {
    /// The head of the response on the wire.
    ///
    /// - Parameter keepsAlive: whether the connection stays open, as far as the server is concerned
    func head(keepsAlive: Bool, version: HTTPVersion) -> HTTPResponseHead {
        var fields = headers
        fields.add(name: "Content-Type", value: contentType)
        fields.add(name: "Content-Length", value: String(body.count))
        for (name, value) in Self.security { fields.add(name: name, value: value) }
        if !keepsAlive {
            fields.add(name: "Connection", value: "close")
        } else if version == .http1_0 {
            fields.add(name: "Connection", value: "keep-alive")
        }
        return HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status.rawValue), headers: fields)
    }

    /// What keeps a browser from doing anything with a response but show it, and send the page's search back to us.
    static let security = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                + "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ]
}
