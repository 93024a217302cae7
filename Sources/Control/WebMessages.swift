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
        guard reply.status == 0, let code = reply.messages.first, reply.messages.count >= 2, code.isURLSafe else {
            return nil
        }
        self.init(code: code, places: Array(reply.messages.dropFirst()))
    }

    /// The reply.
    public var reply: ControlReply { ControlReply(messages: [code] + places) }
}

extension String {
    /// Whether it can stand in a URL as it is: letters, digits, `-` and `_`.
    fileprivate var isURLSafe: Bool {
        !isEmpty
            && utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
