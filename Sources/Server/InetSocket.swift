import Glibc

extension OpenListener {
    /// Opens a TCP socket on each address that the host stands for.
    ///
    /// An address that this machine doesn't have is passed over as long as another one can be had (`localhost` often
    /// stands for ::1 where IPv6 is off).
    static func openInetSockets(host: String, port: Int, backlog: Int) throws(ListenError) -> [OpenListener] {
        let name = ListenAddress.inet(host: host, port: port).description
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw ListenError(.unusable, "\(name): host \"\(host)\": \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var opened: [OpenListener] = []
        var missing: ListenError?
        var next = list
        while let entry = next {
            do throws(ListenError) {
                opened.append(try openInetSocket(entry.pointee, name, backlog: backlog))
            } catch {
                guard error.code == .unusable else {
                    for listener in opened { listener.close() }
                    throw error
                }
                missing = error
            }
            next = entry.pointee.ai_next
        }
        if opened.isEmpty { throw missing ?? ListenError(.unusable, "\(name): the host has no address") }
        return opened
    }

    private static func openInetSocket(
        _ entry: addrinfo, _ name: String, backlog: Int
    ) throws(ListenError) -> OpenListener {
        let descriptor = socket(entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
        guard descriptor >= 0 else {
            // No such family in this kernel: the address isn't this machine's either.
            if errno == EAFNOSUPPORT { throw .system(EADDRNOTAVAIL, name, "socket") }
            throw .system(errno, name, "socket")
        }
        do throws(ListenError) {
            var one: CInt = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
            if entry.ai_family == AF_INET6 {
                setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, socklen_t(MemoryLayout<CInt>.size))
            }
            guard bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0,
                listen(descriptor, Int32(clamping: backlog)) == 0
            else {
                throw errno == EADDRINUSE
                    ? ListenError(
                        .taken, "\(name): another process listens there already: stop it, or listen elsewhere")
                    : .system(errno, name, "bind")
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return OpenListener(address: boundAddress(of: descriptor), descriptor: descriptor, backlog: backlog, file: nil)
    }

    /// The address and port that the system gave.
    private static func boundAddress(of descriptor: CInt) -> ListenAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: 16)
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = getsockname(descriptor, address, &length)
                _ = getnameinfo(
                    address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        return .inet(host: text(host), port: Int(text(port)) ?? 0)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
