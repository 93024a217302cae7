import NIOHTTP1

/// The cookie by which a browser shows that it is signed in.
struct SessionCookie: Sendable {
    /// How many of that name are looked at: other servers of the same host name can set some, too.
    private static let candidates = 4

    let name: String

    /// The cookie of a listener.
    ///
    /// Cookies don't know ports, so its name has that.
    init(of address: WebListener.Address) {
        name =
            switch address {
            case .inet(_, let port): "tprt-\(port)"
            case .unix: "tprt"
            }
    }

    /// Its values in a request, which are hostile.
    func values(in headers: HTTPHeaders) -> [String] {
        let pairs = headers["cookie"].lazy.flatMap { $0.utf8.split(separator: UInt8(ascii: ";")) }
        let prefix = "\(name)=".utf8
        let values = pairs.map { $0.drop { $0 == UInt8(ascii: " ") } }
            .filter { $0.starts(with: prefix) }
            .map { String(Substring($0.dropFirst(prefix.count))) }
        return Array(values.prefix(Self.candidates))
    }

    /// Has the browser keep a token.
    ///
    /// - Parameter isSecure: whether it is to show it by TLS only
    func setting(_ token: String, isSecure: Bool) -> String {
        header(token, seconds: WebAccess.sessionLifetime.components.seconds, isSecure: isSecure)
    }

    /// Has the browser forget what it shows, which would count as a wrong try each time.
    func clearing(isSecure: Bool) -> String {
        header("", seconds: 0, isSecure: isSecure)
    }

    private func header(_ value: String, seconds: Int64, isSecure: Bool) -> String {
        "\(name)=\(value); Max-Age=\(seconds); Path=/; HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")"
    }
}
