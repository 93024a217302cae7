import JSONText

/// What is asked of a daemon over its control socket: one JSON object on a line, `{"verb": "reload"}`.
public struct ControlRequest: Sendable, Equatable {
    /// The longest request, in bytes with its line end.
    public static let sizeLimit = 64 << 10

    /// What is to be done.
    public var verb: String
    /// What it is to be done to; often nothing.
    public var arguments: [String]

    /// A request for that verb.
    public init(_ verb: String, arguments: [String] = []) {
        self.verb = verb
        self.arguments = arguments
    }

    /// Reads a line without its end.
    ///
    /// Members that aren't known are ignored, so that either side may grow.
    public init(line: some Collection<UInt8>) throws(ControlFault) {
        let members = try ControlFault.members(of: line)
        guard case .string(let verb)? = members["verb"], !verb.isEmpty else {
            throw ControlFault("the request has no \"verb\"")
        }
        self.verb = verb
        arguments = try ControlFault.texts(members["arguments"], "arguments")
    }

    /// The request as a line, with its end.
    public var line: String {
        var members: [String: JSONValue] = ["verb": .string(verb)]
        if !arguments.isEmpty { members["arguments"] = .array(arguments.map { .string($0) }) }
        return JSONValue.object(members).text + "\n"
    }
}
