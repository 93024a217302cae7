import JSONText

/// Why a line is no request or reply.
public struct ControlFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The complaint.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// The members of the object that a line holds.
    static func members(of line: some Collection<UInt8>) throws(ControlFault) -> [String: JSONValue] {
        let value: JSONValue
        do throws(JSONFault) {
            value = try JSONParser.parse(Array(line)).value
        } catch {
            throw ControlFault(error.sentence)
        }
        guard case .object(let members) = value else { throw ControlFault("\(value.found) is not an object") }
        return members
    }

    /// A list of texts, which may be left out.
    static func texts(_ value: JSONValue?, _ name: String) throws(ControlFault) -> [String] {
        guard let value else { return [] }
        guard case .array(let values) = value else { throw ControlFault("\"\(name)\" is not a list") }
        var texts: [String] = []
        for value in values {
            guard case .string(let text) = value else { throw ControlFault("\"\(name)\" holds \(value.found)") }
            texts.append(text)
        }
        return texts
    }
}
