import JSONText

/// The page that administrators look at, and the JSON by which it is refreshed.
///
/// It decides nothing about access, and sets no header but the type: that is the server's, which says of each request
/// whether it may see addresses. A value; it may be used from any task.
public struct Page: Sendable {
    /// How many mails that wait are shown.
    public static let rowLimit = 200
    /// How many earned identities are shown.
    public static let identityLimit = 20
    /// How many stories a search shows.
    public static let storyLimit = 20
    /// How many attempts of a story are shown.
    public static let attemptLimit = 50
    /// How many sentences and commands of a story are shown.
    public static let sentenceLimit = 12
    /// How long a command may be, in bytes; a longer one isn't shown.
    public static let commandLimit = 4_096
    /// How many problems and parts are shown.
    public static let problemLimit = 20
    /// How many pieces of the last 24 hours are shown.
    public static let bucketLimit = 96
    /// How long a text to search for may be, in bytes.
    public static let searchLimit = 512

    private let source: PageSource

    /// A page that shows what `source` says.
    public init(_ source: PageSource) {
        self.source = source
    }

    /// The reply to GET, or nil where the path isn't one of the page's.
    ///
    /// - Parameters:
    ///   - path: the path of the URL, without its query
    ///   - search: the parameter `q`; empty for none
    ///   - isAuthorized: whether addresses may be shown
    public func reply(to path: String, search: String, isAuthorized: Bool) async -> PageReply? {
        switch path {
        case "/": await document(search.trimmed, isAuthorized: isAuthorized)
        case "/app.css": PageReply(.css, Self.style)
        case "/app.js": PageReply(.javaScript, Self.script)
        case "/api/status":
            PageReply(PageJSON.status(await source.status(), at: source.now(), isAuthorized: isAuthorized))
        case "/api/day": await reply(source.day) { day, _ in PageJSON.day(day) }
        case "/api/waiting", "/api/search", "/api/identities":
            isAuthorized
                ? await addresses(path, search.trimmed)
                : PageReply(PageJSON.error("forbidden", "addresses need a cookie: tprtctl web"), status: 403)
        default: nil
        }
    }

    /// The replies in which there are addresses.
    private func addresses(_ path: String, _ text: String) async -> PageReply {
        switch path {
        case "/api/waiting":
            return await reply({ () throws(PageError) in try await source.waiting(Self.rowLimit) }, PageJSON.waiting)
        case "/api/identities":
            return await reply(
                { () throws(PageError) in try await source.identities(Self.identityLimit) }, PageJSON.identities)
        default:
            guard !text.isEmpty, text.utf8.count <= Self.searchLimit else {
                return PageReply(PageJSON.error("bad_search", Self.badSearch), status: 400)
            }
            let found = { () async throws(PageError) in try await find(text) }
            return await reply(found) { PageJSON.stories($0, of: text, at: $1) }
        }
    }

    private static let badSearch = "q: expected a text of 1 to \(searchLimit) bytes to search for"

    private func find(_ text: String) async throws(PageError) -> PageList<PageStory> {
        guard text.utf8.count <= Self.searchLimit else { throw .unavailable(Self.badSearch) }
        return try await source.search(text, Self.storyLimit)
    }

    private func reply<Value: Sendable>(
        _ data: () async throws(PageError) -> Value, _ json: (Value, Int64) -> JSONValue
    ) async -> PageReply {
        switch await result(data) {
        case .success(let value): PageReply(json(value, source.now()))
        case .failure(.historyOff): PageReply(PageJSON.error("history_off", "the history is off"), status: 503)
        case .failure(.unavailable(let message)): PageReply(PageJSON.error("unavailable", message), status: 503)
        }
    }

    private func result<Value: Sendable>(
        _ data: () async throws(PageError) -> Value
    ) async -> Result<Value, PageError> {
        do throws(PageError) { return .success(try await data()) } catch { return .failure(error) }
    }

    /// The page as a whole, which works without scripts.
    private func document(_ text: String, isAuthorized: Bool) async -> PageReply {
        let status = await source.status()
        let day = await result(source.day)
        var html = PageHTML()
        if isAuthorized {
            let found = text.isEmpty ? nil : await result({ () throws(PageError) in try await find(text) })
            let waiting = await result({ () throws(PageError) in try await source.waiting(Self.rowLimit) })
            let identities = await result({ () throws(PageError) in try await source.identities(Self.identityLimit) })
            let now = source.now()
            html.document(status, search: text, at: now) { html in
                html.state(status, at: now, isAuthorized: true)
                if let found { html.stories(found, of: text, at: now) }
                html.day(day)
                html.waiting(waiting, at: now)
                html.identities(identities, at: now)
            }
        } else {
            let now = source.now()
            html.document(status, search: nil, at: now) { html in
                html.state(status, at: now, isAuthorized: false)
                html.day(day)
                html.access()
            }
        }
        return PageReply(.html, html.bytes)
    }
}

/// What the page replies.
public struct PageReply: Sendable {
    /// The status of HTTP: 200, 400 (nothing that can be searched for), 403 (addresses), 503 (no data now).
    public var status: Int
    /// The media type, with its charset.
    public var contentType: String
    /// The content.
    public var body: [UInt8]

    enum Kind: String {
        case html = "text/html; charset=utf-8"
        case css = "text/css; charset=utf-8"
        case javaScript = "text/javascript; charset=utf-8"
        case json = "application/json; charset=utf-8"
    }

    init(_ kind: Kind, _ body: [UInt8], status: Int = 200) {
        self.status = status
        contentType = kind.rawValue
        self.body = body
    }

    init(_ kind: Kind, _ body: StaticString) {
        self.init(kind, body.withUTF8Buffer { Array($0) })
    }

    init(_ json: JSONValue, status: Int = 200) {
        self.init(.json, Array((json.text + "\n").utf8), status: status)
    }
}

extension String {
    /// The text without blanks around it.
    fileprivate var trimmed: String {
        var text = unicodeScalars[...]
        while let first = text.first, first.properties.isWhitespace { text.removeFirst() }
        while let last = text.last, last.properties.isWhitespace { text.removeLast() }
        return String(text)
    }
}
