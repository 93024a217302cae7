import Bytes
import Glibc
import Greylist

/// What is the same for all messages to a syslog daemon.
public struct SyslogHeader: Sendable {
    /// Which document says how messages look.
    public enum Format: Sendable {
        /// RFC 3164, as syslog(3) writes it to a local socket: with the local time and no host.
        case rfc3164
        /// RFC 5424.
        case rfc5424
    }

    /// Which document.
    public var format: Format
    /// The number of the facility, 0 to 23.
    public var facility: UInt8
    /// The name of this host.
    public var host: String
    /// The name of the program.
    public var program: String

    /// A header.
    public init(_ format: Format, facility: UInt8, host: String, program: String) {
        self.format = format
        self.facility = facility
        self.host = host
        self.program = program
        // So that the zone is known where its file is out of reach later.
        tzset()
    }

    /// The longest message, in bytes.
    ///
    /// RFC 3164, section 4.1 ends it at 1,024 and RFC 5426, section 3.2 has receivers take 2,048; a local daemon takes
    /// 8 KiB (rsyslog), which a line seldom has.
    func limit(isRemote: Bool) -> Int {
        guard isRemote else { return 8_192 }
        return format == .rfc3164 ? 1_024 : 2_048
    }
}

extension [UInt8] {
    /// Appends a whole message; what is longer than `limit` is cut, and ends with `...`.
    ///
    /// - Parameter text: printable ASCII, so that it needs no byte order mark (RFC 5424, section 6.4)
    mutating func append(
        syslog text: Span<UInt8>, _ header: SyslogHeader, _ severity: LogSeverity, at time: Timestamp,
        process: pid_t, namesHost: Bool, limit: Int
    ) {
        let start = count
        append(UInt8(ascii: "<"))
        append(decimal: Int(header.facility) * 8 + Int(severity.rawValue))
        append(UInt8(ascii: ">"))
        switch header.format {
        case .rfc3164:
            append(localTime: time)
            append(UInt8(ascii: " "))
            if namesHost {
                // RFC 3164, section 4.1.2: the host's name without its domain.
                append(name: header.host.prefix { $0 != "." })
                append(UInt8(ascii: " "))
            }
            append(name: header.program[...])
            append(UInt8(ascii: "["))
            append(decimal: Int(process))
            append(word: "]: ")
        case .rfc5424:
            append(word: "1 ")
            append(rfc3339: time)
            append(UInt8(ascii: " "))
            append(name: header.host[...])
            append(UInt8(ascii: " "))
            append(name: header.program[...])
            append(UInt8(ascii: " "))
            append(decimal: Int(process))
            append(word: " - - ")
        }
        let room = Swift.max(0, limit - (count - start))
        guard text.count > room else { return append(text) }
        append(text.extracting(first: text.cut(at: room - 3)))
        append(word: "...")
    }

    /// Appends a name as it may stand in a header: printable ASCII without blanks, `-` for nothing (RFC 5424, section 6).
    private mutating func append(name: Substring) {
        let start = count
        for byte in name.utf8 { append((0x21...0x7e).contains(byte) ? byte : UInt8(ascii: "_")) }
        if count == start { append(UInt8(ascii: "-")) }
    }

    /// Appends the local time as RFC 3164, section 4.1.2 has it: `Nov  5 09:30:00`.
    private mutating func append(localTime moment: Timestamp) {
        var (seconds, fields) = (time_t(moment.seconds), tm())
        localtime_r(&seconds, &fields)
        append(
            word: [
                "Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec ",
            ][Int(fields.tm_mon)])
        if fields.tm_mday < 10 { append(UInt8(ascii: " ")) }
        append(decimal: Int(fields.tm_mday))
        append(UInt8(ascii: " "))
        append(decimal: Int(fields.tm_hour), width: 2)
        append(UInt8(ascii: ":"))
        append(decimal: Int(fields.tm_min), width: 2)
        append(UInt8(ascii: ":"))
        append(decimal: Int(fields.tm_sec), width: 2)
    }
}

extension Span<UInt8> {
    /// Where to cut so that no escape, `\xHH` or `\\xHH`, is cut in two.
    fileprivate func cut(at limit: Int) -> Int {
        var end = Swift.min(Swift.max(0, limit), count)
        for back in 1...4 where end >= back && self[end - back] == UInt8(ascii: "\\") {
            end -= back
            break
        }
        while end > 0, self[end - 1] == UInt8(ascii: "\\") { end -= 1 }
        return end
    }
}
