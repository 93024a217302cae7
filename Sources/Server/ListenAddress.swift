/// Where to listen.
public enum ListenAddress: Sendable, Hashable {
    /// A unix socket: path, permission bits, and the group it is given to (empty: the process's).
    case unix(path: String, mode: UInt16, group: String)
    /// TCP on a host, by name or address, and a port.
    case inet(host: String, port: Int)

    /// Why a text names no address.
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The complaint and the remedy.
        public let description: String
    }

    /// Reads `inet:HOST:PORT` (an IPv6 address in brackets) or `unix:/path?mode=0660&group=postfix`.
    ///
    /// - Parameters:
    ///   - mode: the permission bits of a unix socket that names none
    ///   - group: the group of a unix socket that names none
    public init(_ text: String, mode: UInt16 = 0o660, group: String = "") throws(Fault) {
        if text.hasPrefix("unix:") {
            try self.init(unix: text.dropFirst(5), text, mode: mode, group: group)
        } else if text.hasPrefix("inet:") {
            try self.init(inet: text.dropFirst(5), text)
        } else {
            throw Fault(description: "\"\(text)\" begins with neither inet: nor unix:")
        }
    }

    private init(unix text: Substring, _ whole: String, mode: UInt16, group: String) throws(Fault) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].hasPrefix("/"), parts[0].count > 1 else {
            throw Fault(description: "\"\(whole)\" has no absolute path (as in unix:/run/tprt/policy.sock)")
        }
        var mode = mode
        var group = group
        for option in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
            switch pair.first {
            case "mode" where pair.count == 2:
                guard let value = UInt16(pair[1], radix: 8), value <= 0o777 else {
                    throw Fault(description: "\"\(whole)\": \"\(pair[1])\" is not a mode (as in mode=0660)")
                }
                mode = value
            case "group" where pair.count == 2: group = pair[1]
            default:
                throw Fault(description: "\"\(whole)\": \"\(option)\" is not an option (there are mode= and group=)")
            }
        }
        self = .unix(path: String(parts[0]), mode: mode, group: group)
    }

    private init(inet text: Substring, _ whole: String) throws(Fault) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else {
            throw Fault(description: "\"\(whole)\" has no port (as in inet:127.0.0.1:10023)")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw Fault(description: "\"\(whole)\": an IPv6 address stands in brackets (as in inet:[::1]:10023)")
        }
        guard !host.isEmpty else {
            throw Fault(
                description: "\"\(whole)\" has no host (as in inet:127.0.0.1:10023; inet:[::]:10023 is everywhere)")
        }
        self = .inet(host: String(host), port: port)
    }
}

extension ListenAddress: CustomStringConvertible {
    /// As main.cf and the log name it.
    public var description: String {
        switch self {
        case .unix(let path, _, _): "unix:\(path)"
        case .inet(let host, let port): host.contains(":") ? "inet:[\(host)]:\(port)" : "inet:\(host):\(port)"
        }
    }
}
