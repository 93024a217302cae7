/// Entries that a daemon is to add to a table of its store: the verb `import`.
public struct ImportOrder: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "import"
    /// How many bytes the lines of an order may have together, so that the request isn't too long.
    public static let room = ControlRequest.sizeLimit - 4_096

    /// What the keys were made by: the daemon takes none that were made by other settings than its own.
    public var site: String
    /// The table.
    public var table: String
    /// The entries, a line each; none to ask whether the daemon would take them.
    public var lines: [String]

    /// An order for that table.
    public init(site: String, table: String, lines: [String]) {
        self.site = site
        self.table = table
        self.lines = lines
    }

    /// What a request orders; nil where it lacks something.
    public init?(_ request: ControlRequest) {
        guard request.verb == Self.verb, request.arguments.count >= 2 else { return nil }
        self.init(
            site: request.arguments[0], table: request.arguments[1], lines: Array(request.arguments.dropFirst(2)))
    }

    /// The request.
    public var request: ControlRequest { ControlRequest(Self.verb, arguments: [site, table] + lines) }

    /// How many bytes of `room` a line takes, its quotes and comma included.
    public static func size(of line: String) -> Int { line.utf8.count + 4 }
}

/// What a daemon says of an order that it has carried out.
public struct ImportReceipt: Sendable, Equatable {
    /// How many of the entries weren't known before; nil where the store can't tell.
    public var new: Int?

    /// A receipt for so many new entries.
    public init(new: Int?) {
        self.new = new
    }

    /// What a reply says; nil where it is none of an order that was carried out.
    public init?(_ reply: ControlReply) {
        guard reply.status == 0, let message = reply.messages.first else { return nil }
        if message == Self.merged {
            self.init(new: nil)
        } else {
            guard message.hasPrefix(Self.prefix), let new = Int(message.dropFirst(Self.prefix.count)) else {
                return nil
            }
            self.init(new: new)
        }
    }

    /// The reply.
    public var reply: ControlReply { ControlReply(messages: [new.map { Self.prefix + String($0) } ?? Self.merged]) }

    private static let merged = "merged"
    private static let prefix = "merged, new: "
}
