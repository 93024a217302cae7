/// What a reply may have at most.
///
/// A server that keeps to the protocol never comes near; what isn't Redis at all, or no longer in step, soon does.
struct RESPLimits: Sendable {
    /// Bytes of a line: a simple text, an error, a number.
    var line = 64 << 10
    /// Bytes of a bulk text.
    var bulk = 64 << 20
    /// Elements of an array.
    var elements = 1 << 20
    /// Arrays inside each other.
    var depth = 8
    /// Bytes of a whole reply.
    var reply = 128 << 20
}

/// Why what a server sends can't be read as RESP2.
///
/// Nothing behind it can be read either.
package enum RESPError: Error, Equatable, CustomStringConvertible {
    case unknownType
    case malformedLine
    case malformedNumber
    case malformedLength
    case bulkWithoutEnd
    case lineTooLong(limit: Int)
    case bulkTooLong(limit: Int)
    case tooManyElements(limit: Int)
    case tooDeep(limit: Int)
    case replyTooLong(limit: Int)

    package var description: String {
        switch self {
        case .unknownType: "a reply is of no known type"
        case .malformedLine: "a line of a reply doesn't end with CR and LF"
        case .malformedNumber: "a number in a reply is none"
        case .malformedLength: "a length in a reply is none"
        case .bulkWithoutEnd: "a text in a reply doesn't end where its length says"
        case .lineTooLong(let limit): "a line of a reply has more than \(limit) bytes"
        case .bulkTooLong(let limit): "a text in a reply has more than \(limit) bytes"
        case .tooManyElements(let limit): "an array in a reply has more than \(limit) elements"
        case .tooDeep(let limit): "a reply has more than \(limit) arrays inside each other"
        case .replyTooLong(let limit): "a reply has more than \(limit) bytes"
        }
    }
}
