import Glibc

extension OpenListener {
    /// Opens a TCP socket on each address that the host stands for.
    ///
    /// An address that this machine doesn't have is passed over as long as another one can be had (`localhost` often
    /// stands for ::1 where IPv6 is off).
    static func openInetSockets(
        host: String, port: Int, backlog: Int, patience: PortPatience? = nil
    ) throws(ListenError) -> [OpenListener] {
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
                opened.append(try openInetSocket(entry.pointee, name, backlog: backlog, patience))
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
        _ entry: addrinfo, _ name: String, backlog: Int, _ patience: PortPatience?
    ) throws(ListenError) -> OpenListener {
        let descriptor = socket(entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
        guard descriptor >= 0 else {
            // No such family in this kernel: the address isn't this machine's either.
            if errno == EAFNOSUPPORT { throw .system(EADDRNOTAVAIL, name, "socket") }
            throw .system(errno, name, "socket")
        }
        let address: ListenAddress
        do throws(ListenError) {
            var one: CInt = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
            if entry.ai_family == AF_INET6 {
                setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, socklen_t(MemoryLayout<CInt>.size))
            }
            func bound() -> Bool {
                bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0
                    && listen(descriptor, Int32(clamping: backlog)) == 0
            }
            guard let target = entry.ai_addr, patience?.bind(target, name, bound) ?? bound() else {
                throw errno == EADDRINUSE ? taken(entry, name) : .system(errno, name, "bind")
            }
            guard let bound = ListenAddress(boundTo: descriptor) else { throw .system(errno, name, "getsockname") }
            address = bound
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return OpenListener(address: address, descriptor: descriptor, backlog: backlog, file: nil)
    }

    private static func taken(_ entry: addrinfo, _ name: String) -> ListenError {
        guard let address = entry.ai_addr, PortUse(of: address) == .closingConnections else {
            return ListenError(.taken, "\(name): another process listens there already: stop it, or listen elsewhere")
        }
        return ListenError(
            .taken,
            "\(name): no process listens there, but connections of the previous server hold the port: "
                + "wait a minute")
    }
}
