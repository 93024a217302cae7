import Glibc

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
