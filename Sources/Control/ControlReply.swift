import JSONText

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
    public init(line: some Collection<UInt8>) throws(ControlFault) {
        let members = try ControlFault.members(of: line)
        guard case .int(let status)? = members["status"], (0...255).contains(status) else {
            throw ControlFault("the reply has no \"status\"")
        }
        self.status = CInt(status)
        messages = try ControlFault.texts(members["messages"], "messages")
        warnings = try ControlFault.texts(members["warnings"], "warnings")
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
