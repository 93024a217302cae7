import Glibc

/// Where to listen.
public enum ListenAddress: Sendable, Hashable {
    /// A unix socket: path, permission bits, and the group it is given to (empty: the process's).
    case unix(path: String, mode: UInt16, group: String)
    /// TCP on a host, by name or address, and a port.
    case inet(host: String, port: Int)

    /// Why a text names no address.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong and the remedy.
        public let description: String
    }

    /// Reads `inet:HOST:PORT` (an IPv6 address in brackets) or `unix:/path?mode=0660&group=postfix`.
    ///
    /// - Parameters:
    ///   - mode: the permission bits of a unix socket that names none
    ///   - group: the group of a unix socket that names none
    public init(_ text: String, mode: UInt16, group: String) throws(ParseError) {
        if text.hasPrefix("unix:") {
            try self.init(unix: text.dropFirst(5), text, mode: mode, group: group)
        } else if text.hasPrefix("inet:") {
            try self.init(inet: text.dropFirst(5), text)
        } else {
            throw ParseError(description: "\"\(text)\" begins with neither inet: nor unix:")
        }
    }

    private init(unix text: Substring, _ whole: String, mode: UInt16, group: String) throws(ParseError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].hasPrefix("/"), parts[0].count > 1 else {
            throw ParseError(description: "\"\(whole)\" has no absolute path (as in unix:/run/tprt/policy.sock)")
        }
        var mode = mode
        var group = group
        for option in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
            switch pair.first {
            case "mode" where pair.count == 2:
                guard let value = UInt16(pair[1], radix: 8), value <= 0o777 else {
                    throw ParseError(description: "\"\(whole)\": \"\(pair[1])\" is not a mode (as in mode=0660)")
                }
                mode = value
            case "group" where pair.count == 2: group = pair[1]
            default:
                throw ParseError(
                    description: "\"\(whole)\": \"\(option)\" is not an option (there are mode= and group=)")
            }
        }
        self = .unix(path: String(parts[0]), mode: mode, group: group)
    }

    private init(inet text: Substring, _ whole: String) throws(ParseError) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else {
            throw ParseError(description: "\"\(whole)\" has no port (as in inet:127.0.0.1:10023)")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw ParseError(description: "\"\(whole)\": an IPv6 address stands in brackets (as in inet:[::1]:10023)")
        }
        guard !host.isEmpty else {
            throw ParseError(
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

extension ListenAddress {
    /// The address that a socket is bound to, with the port that it was really given; nil where it is neither a unix nor
    /// a TCP address.
    ///
    /// What a unix socket's file allows isn't looked up: it counts only where the file is made. An abstract name begins
    /// with `@`.
    init?(boundTo descriptor: CInt) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard code == 0 else { return nil }
        switch CInt(storage.ss_family) {
        case AF_UNIX: self.init(unix: storage, length: length)
        case AF_INET, AF_INET6: self.init(inet: storage, length: length)
        default: return nil
        }
    }

    private init(unix storage: sockaddr_storage, length: socklen_t) {
        let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let name = withUnsafeBytes(of: storage) { Array($0[start..<max(start, Int(length))]) }
        let isAbstract = name.first == 0
        let path = isAbstract ? [UInt8(ascii: "@")] + name.dropFirst() : Array(name.prefix { $0 != 0 })
        self = .unix(path: String(decoding: path, as: UTF8.self), mode: 0, group: "")
    }

    private init?(inet storage: sockaddr_storage, length: socklen_t) {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: 16)
        let code = withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getnameinfo(
                    address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        guard code == 0, let number = Int(Self.text(port)) else { return nil }
        self = .inet(host: Self.text(host), port: number)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// Why a listener can't be opened.
public struct ListenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What follows from it.
    public enum Code: Sendable, Equatable {
        /// Somebody else listens there.
        case taken
        /// The socket can't be made there.
        case cannotCreate
        /// Not with our rights.
        case denied
        /// The address makes no sense here: an unknown host or group.
        case unusable
    }

    /// What follows from it.
    public var code: Code
    /// The fault and, where there is one, the remedy: one line.
    public var description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
