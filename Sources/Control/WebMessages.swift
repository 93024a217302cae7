/// A code that opens the page with everything in it: the verb `web`.
public struct WebCode: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "web"

    /// The code, valid once and for a minute.
    public var code: String
    /// Where the page is served: `http://127.0.0.1:10923/`, or `unix:/path`.
    public var places: [String]

    /// A code for the page that is served there.
    public init(code: String, places: [String]) {
        self.code = code
        self.places = places
    }

    /// What a reply says; nil where it is none.
    public init?(_ reply: ControlReply) {
        guard reply.status == 0, reply.messages.count >= 2 else { return nil }
        self.init(code: reply.messages[0], places: Array(reply.messages.dropFirst()))
    }

    /// The reply.
    public var reply: ControlReply { ControlReply(messages: [code] + places) }
}
