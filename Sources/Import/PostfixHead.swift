import Bytes

/// The beginning of a line of Postfix' log, as places in the line: `TIME HOST NAME/PROGRAM[PID]: TEXT`.
struct PostfixHead {
    /// The longest host and queue id: RFC 1123 allows 255, and Postfix' ids have about twenty.
    private static let (longestHost, longestID) = (255, 32)

    /// The host, empty where none is logged: queue ids are unique on one only.
    let host: Range<Int>
    /// The name of the program, which follows the last slash of `syslog_name`, as in `postfix-out/relay/smtp[12]`.
    let program: Range<Int>
    /// Where its text begins.
    let text: Int

    /// The beginning of a line; nil where it isn't one of Postfix.
    init?(_ line: Span<UInt8>) {
        guard let timeEnd = LogTime.end(of: line), let colon = line.firstRange(of: ": ", from: timeEnd),
            let blank = line.lastIndex(of: 0x20, before: colon.lowerBound), blank >= timeEnd
        else { return nil }
        let tag = blank + 1..<colon.lowerBound
        let end = line.firstIndex(of: UInt8(ascii: "["), in: tag) ?? tag.upperBound
        guard let slash = line.lastIndex(of: UInt8(ascii: "/"), before: end), slash >= tag.lowerBound else {
            return nil
        }
        host = timeEnd + 1..<max(timeEnd + 1, line.firstIndex(of: 0x20, from: timeEnd + 1) ?? 0)
        program = slash + 1..<end
        text = colon.upperBound
        guard host.count <= Self.longestHost else { return nil }
    }

    /// The queue id with which the text begins, and where that goes on behind it; nil where it doesn't begin with one.
    func queueID(_ line: Span<UInt8>) -> (id: Range<Int>, rest: Int)? {
        var end = text
        while end < line.count, line[end].isOfQueueID { end += 1 }
        guard end > text, end - text <= Self.longestID, line.firstRange(of: ": ", from: end)?.lowerBound == end else {
            return nil
        }
        return (text..<end, end + 2)
    }
}

extension UInt8 {
    /// Whether queue ids have it: short ones hexadecimal digits in capitals, long ones digits and letters but vowels.
    ///
    /// So no word is taken for one, such as `warning` or `NOQUEUE`.
    fileprivate var isOfQueueID: Bool {
        switch self {
        case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "u"),
            UInt8(ascii: "I"), UInt8(ascii: "O"), UInt8(ascii: "U"):
            false
        default: isLetterOrDigit
        }
    }
}
