import Bytes

/// What a resolv.conf(5) says of servers; all else in it is left alone, since names are always absolute here.
public enum ResolvConf {
    /// Where it usually is.
    public static let path = "/etc/resolv.conf"
    /// How many servers of a file are asked, as by the C library.
    public static let serverLimit = 3
    /// The most bytes that are read of a file.
    public static let sizeLimit = 64 << 10

    /// The servers that a text names, each once; the local one where it names none.
    ///
    /// A line that can't be understood is as if it weren't there.
    public static func servers(in text: [UInt8]) -> [DNSServer] {
        var servers: [DNSServer] = []
        for line in text.prefix(sizeLimit).split(separator: UInt8(ascii: "\n")) {
            guard let server = server(in: line), !servers.contains(server) else { continue }
            servers.append(server)
            if servers.count == serverLimit { break }
        }
        return servers.isEmpty ? [.local] : servers
    }

    private static func server(in line: ArraySlice<UInt8>) -> DNSServer? {
        // The keyword begins the line, as in the C library.
        guard line.starts(with: "nameserver".utf8), line.dropFirst(10).first.map(isBlank) ?? false else { return nil }
        let words = line.dropFirst(10).split(whereSeparator: isBlank)
        guard let word = words.first, word.count <= 64, word.allSatisfy(\.isPrintable) else { return nil }
        let text = String(decoding: word, as: UTF8.self)
        // An address and nothing else: ports have no place in this file.
        guard let server = try? DNSServer(text), server.address == text else { return nil }
        return server
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}
