extension Page {
    /// Its paths, and whether only browsers that are signed in get an answer there.
    private static let paths = [
        ("/", false), ("/app.css", false), ("/app.js", false), ("/api/status", false), ("/api/day", false),
        ("/api/waiting", true), ("/api/search", true), ("/api/identities", true),
    ]

    /// The resources of the page, for a ``WebServer``.
    public var routes: [WebRoute] {
        Self.paths.map { path, needsToken in
            WebRoute(path, needsToken: needsToken) { request in
                let reply = await reply(to: path, search: request.query["q"] ?? "", isAuthorized: request.isAuthorized)
                guard let reply else { return WebResponse(.notFound, text: "There is no such page.") }
                return WebResponse(
                    WebResponse.Status(rawValue: reply.status) ?? .internalServerError,
                    contentType: reply.contentType, body: reply.body)
            }
        }
    }
}
