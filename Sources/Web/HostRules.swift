import Bytes
import Glibc

/// By which names a listener may be asked.
///
/// A page of a stranger can have its own name stand for 127.0.0.1 (DNS rebinding) and then read what this server answers,
/// as far as the browser is concerned. The request says by which name it was made, so it is answered for known names only.
struct HostRules: Sendable {
    /// What a name is to the server.
    enum Verdict: Sendable, Equatable {
        /// `localhost`, an address of the machine, or any name at a unix socket.
        case local
        /// A name of the setting, at which a proxy with TLS answers.
        case named
        /// The name of something else.
        case foreign
        /// Not a host name, with or without a port.
        case malformed
    }

    private static let loopback = ["localhost", "127.0.0.1", "[::1]"].compactMap { HostName($0)?.name }

    private let names: [HostName.Name]
    private let allowsAny: Bool

    /// The rules of a listener.
    ///
    /// - Parameter hosts: by which names it may be asked besides; what isn't one is left out
    init(hosts: [String], address: WebListener.Address) {
        names = hosts.compactMap { HostName($0)?.name }
        allowsAny = if case .unix = address { true } else { false }
    }

    /// What the value of a `Host` header, or the authority of a target, says.
    ///
    /// - Parameter reached: the IP address at which the client has reached the server; nil for a unix socket
    func verdict(on value: String, reachedAt reached: String?) -> Verdict {
        guard let name = HostName(value)?.name else { return .malformed }
        if names.contains(name) { return .named }
        if allowsAny || Self.loopback.contains(name) { return .local }
        if let reached, name == HostName.Name(address: reached) { return .local }
        return .foreign
    }
}

/// What a `Host` header says: a name or an address, and a port or none.
struct HostName {
    /// Which host.
    enum Name: Equatable {
        /// A name, in lower case.
        case name(String)
        /// An address in 16 bytes, IPv4 as IPv6 maps it.
        case address([UInt8])
    }

    let name: Name
    let hasPort: Bool

    /// Nil where it isn't one: RFC 9110, 7.2, without what no URL of this server has (percent signs, versions of IP to come).
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        let end: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            guard let address = Name(ipv6: bytes[1..<bracket]) else { return nil }
            name = address
            end = bracket + 1
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            let host = bytes[..<end]
            guard (1...255).contains(host.count), host.allSatisfy(\.isPartOfName) else { return nil }
            name = Name(ipv4: host) ?? .name(String(decoding: host.map(\.lowercased), as: UTF8.self))
        }
        hasPort = end < bytes.endIndex
        guard hasPort else { return }
        let port = bytes[(end + 1)...]
        guard bytes[end] == UInt8(ascii: ":"), (1...5).contains(port.count), port.allSatisfy(\.isDigit),
            let number = Int(String(decoding: port, as: UTF8.self)), (1...65_535).contains(number)
        else { return nil }
    }
}

extension HostName.Name {
    /// The address that is written so, without brackets; nil where it isn't one.
    init?(address: String) {
        guard let name = Self(ipv4: address.utf8[...]) ?? Self(ipv6: address.utf8[...]) else { return nil }
        self = name
    }

    fileprivate init?(ipv4 text: some Collection<UInt8>) {
        var address = in_addr()
        guard inet_pton(AF_INET, String(decoding: text, as: UTF8.self), &address) == 1 else { return nil }
        self = .address([UInt8](repeating: 0, count: 10) + [0xff, 0xff] + withUnsafeBytes(of: address) { Array($0) })
    }

    fileprivate init?(ipv6 text: some Collection<UInt8>) {
        var address = in6_addr()
        guard text.allSatisfy({ $0.isHexadecimal || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }),
            inet_pton(AF_INET6, String(decoding: text, as: UTF8.self), &address) == 1
        else { return nil }
        self = .address(withUnsafeBytes(of: address) { Array($0) })
    }
}

extension UInt8 {
    /// Whether a host name may have it.
    fileprivate var isPartOfName: Bool {
        isLetterOrDigit || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_")].contains(self)
    }
}
