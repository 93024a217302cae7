import Glibc

/// A DNS server that is asked: an address, and a port where it isn't 53.
public struct DNSServer: Sendable, Hashable, CustomStringConvertible {
    /// IPv4 or IPv6, the latter with its scope where there is one (`fe80::1%eth0`).
    public let address: String
    /// Where it listens.
    public let port: UInt16

    /// The server that a text names: `127.0.0.1`, `127.0.0.1:5353`, `::1`, `[::1]` or `[::1]:53`.
    ///
    /// - Throws: a sentence that names the text
    public init(_ text: String) throws(DNSServerError) {
        let bytes = text.utf8
        var (address, port) = (Substring(text), Substring("53"))
        if bytes.first == UInt8(ascii: "["), let end = bytes.firstIndex(of: UInt8(ascii: "]")) {
            address = text[bytes.index(after: bytes.startIndex)..<end]
            let rest = text[bytes.index(after: end)...]
            guard address.utf8.contains(UInt8(ascii: ":")), rest.isEmpty || rest.utf8.first == UInt8(ascii: ":") else {
                throw DNSServerError(text: text)
            }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if bytes.count(where: { $0 == UInt8(ascii: ":") }) == 1,
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        {
            (address, port) = (text[..<colon], text[bytes.index(after: colon)...])
        }
        guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt16(port), number > 0, Self.isAddress(address)
        else { throw DNSServerError(text: text) }
        (self.address, self.port) = (String(address), number)
    }

    /// The server at a loopback address that resolv.conf(5) means where it names none.
    static let local = DNSServer(address: "127.0.0.1", port: 53)

    private init(address: String, port: UInt16) {
        (self.address, self.port) = (address, port)
    }

    private static func isAddress(_ text: Substring) -> Bool {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.map(String.init), !address.utf8.contains(0) else { return false }
        var bytes = in6_addr()
        guard address.utf8.contains(UInt8(ascii: ":")) else {
            return parts.count == 1 && inet_pton(AF_INET, address, &bytes) == 1
        }
        guard inet_pton(AF_INET6, address, &bytes) == 1 else { return false }
        guard let scope = parts.dropFirst().first else { return true }
        // Names of interfaces have at most 15 bytes.
        return (1...15).contains(scope.utf8.count) && scope.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x40 }
    }

    /// As the initializer reads it, the port left out where it is 53.
    public var description: String {
        guard port != 53 else { return address }
        return address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}

/// Why a text names no DNS server.
public struct DNSServerError: Error, Hashable, CustomStringConvertible {
    let text: String

    /// A sentence that names the text.
    public var description: String {
        "invalid DNS server \"\(text)\" (expected an address, with a port where it isn't 53: 127.0.0.1, "
            + "127.0.0.1:5353, [::1]:5353)"
    }
}
