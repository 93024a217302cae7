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
    public init(line: some Collection<UInt8>) throws(ControlError) {
        let members = try ControlError.members(of: line)
        guard case .string(let verb)? = members["verb"], !verb.isEmpty else {
            throw ControlError("the request has no \"verb\"")
        }
        self.verb = verb
        arguments = try ControlError.texts(members["arguments"], "arguments")
    }

    /// The request as a line, with its end.
    public var line: String {
        var members: [String: JSONValue] = ["verb": .string(verb)]
        if !arguments.isEmpty { members["arguments"] = .array(arguments.map { .string($0) }) }
        return JSONValue.object(members).text + "\n"
    }
}

/// What a daemon answers over its control socket: one JSON object on a line.
public struct ControlReply: Sendable, Equatable {
    /// 0 where all went well, else what `tprtctl` ends with: a status of sysexits(3).
    public var status: CInt
    /// What was done, a sentence each.
    public var messages: [String]
    /// What is wrong, a sentence each.
    public var warnings: [String]

    /// A reply; `status` is 0 where all went well.
    public init(status: CInt = 0, messages: [String] = [], warnings: [String] = []) {
        self.status = status
        self.messages = messages
        self.warnings = warnings
    }

    /// Reads a line without its end.
    public init(line: some Collection<UInt8>) throws(ControlError) {
        let members = try ControlError.members(of: line)
        guard case .int(let status)? = members["status"], (0...255).contains(status) else {
            throw ControlError("the reply has no \"status\"")
        }
        self.status = CInt(status)
        messages = try ControlError.texts(members["messages"], "messages")
        warnings = try ControlError.texts(members["warnings"], "warnings")
    }

    /// The reply as a line, with its end.
    public var line: String {
        JSONValue.object([
            "status": .int(Int(status)),
            "messages": .array(messages.map { .string($0) }),
            "warnings": .array(warnings.map { .string($0) }),
        ]).text + "\n"
    }
}

/// Why a line is no request or reply.
public struct ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// The members of the object that a line holds.
    static func members(of line: some Collection<UInt8>) throws(ControlError) -> [String: JSONValue] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(Array(line)).value
        } catch {
            throw ControlError(error.description)
        }
        guard case .object(let members) = value else { throw ControlError("\(value.found) is not an object") }
        return members
    }

    /// A list of texts, which may be left out.
    static func texts(_ value: JSONValue?, _ name: String) throws(ControlError) -> [String] {
        guard let value else { return [] }
        guard case .array(let values) = value else { throw ControlError("\"\(name)\" is not a list") }
        var texts: [String] = []
        for value in values {
            guard case .string(let text) = value else { throw ControlError("\"\(name)\" holds \(value.found)") }
            texts.append(text)
        }
        return texts
    }
}
