/// Why a stream can't be read as requests of the policy protocol.
///
/// The only sound answer is to say nothing and close: Postfix then asks again on a new connection (SMTPD_POLICY_README,
/// "Simple policy client/server protocol").
public enum PolicyViolation: Error, Equatable, Sendable {
    case lineTooLong(limit: Int)
    case tooManyAttributes(limit: Int)
    case requestTooLong(limit: Int)
    case notAnAttribute
    case unknownRequest
    case endInsideRequest
    case tooManyEmptyLines(limit: Int)
}

extension PolicyViolation: CustomStringConvertible {
    /// The complaint for the log, without a byte of the client's.
    public var description: String {
        switch self {
        case .lineTooLong(let limit): "a line is longer than \(limit) bytes"
        case .tooManyAttributes(let limit): "a request has more than \(limit) attributes"
        case .requestTooLong(let limit): "a request is longer than \(limit) bytes"
        case .notAnAttribute: "malformed attribute (expected name=value)"
        case .unknownRequest: "the request attribute is not smtpd_access_policy"
        case .endInsideRequest: "the connection ended inside a request"
        case .tooManyEmptyLines(let limit): "more than \(limit) bytes of empty lines stand between two requests"
        }
    }
}
