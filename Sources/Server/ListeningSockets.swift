import FileCalls
import Glibc
import SystemPackage
import TrustedFiles

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

extension OpenListener {
    /// Opens a unix socket.
    ///
    /// A stale one at its path is taken over; one that is served, or any other file, is left alone.
    static func openUnixSocket(
        _ path: String, mode: UInt16, group: String, backlog: Int, takesOverStale: Bool, owner: SocketOwner?
    ) throws(ListenError) -> OpenListener {
        let name = "unix:\(path)"
        guard let address = sockaddr_un(path: path) else {
            throw ListenError(.cannotCreate, "\(name): a socket's path has at most 107 bytes")
        }
        let groupID = try group.isEmpty ? nil : identify(group: group, for: name)
        let reach: FileReach
        do throws(FileError) {
            reach = try FileReach(path, service: owner.map { FileUser($0.user, group: $0.group) })
        } catch {
            throw ListenError(.denied, "\(name): \(error)")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(errno, name, "socket") }
        var isBound = false
        do throws(ListenError) {
            // The file must never be open to more than it is meant for, not even for a moment: bind(2) gives it the socket's
            // own mode, without what umask(2) takes away. Only we may change it, and only as we are now.
            guard fchmod(descriptor, mode_t(mode)) == 0 else { throw .system(errno, name, "fchmod") }
            try reach.act { () throws(ListenError) in
                try clear(path, address, takesOverStale: takesOverStale)
                guard address.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
                    throw .system(errno, name, "bind", as: reach)
                }
            }
            isBound = true
            try give(reach, to: owner, group: groupID, name)
            try reach.act { () throws(ListenError) in
                do throws(Errno) {
                    try FileNames.setPermissions(path, FilePermissions(rawValue: mode_t(mode)))
                } catch {
                    // Without /proc only chmod(2) is left, which would follow a link; umask(2) may have left enough.
                    let given = try? Stat(path, followTargetSymlink: false).permissions
                    guard error == .notSupported, given == FilePermissions(rawValue: mode_t(mode)) else {
                        throw .system(error.rawValue, name, "chmod, which needs /proc")
                    }
                }
            }
            guard listen(descriptor, Int32(clamping: backlog)) == 0 else { throw .system(errno, name, "listen") }
        } catch {
            if isBound { _ = reach.act { try? FileNames.remove(path) } }
            Glibc.close(descriptor)
            throw error
        }
        return OpenListener(
            address: .unix(path: path, mode: mode, group: group), descriptor: descriptor, backlog: backlog,
            file: SocketFile(path: path))
    }

    /// Gives the file of a socket to whom it is meant for: the file that was just made, and no other that was put into its place.
    private static func give(
        _ reach: FileReach, to owner: SocketOwner?, group: gid_t?, _ name: String
    ) throws(ListenError) {
        let (userID, groupID) = (owner?.user ?? .max, group ?? owner?.group ?? .max)
        guard (userID, groupID) != (.max, .max) else { return }
        let maker = reach.user?.user ?? geteuid()
        let place: FilePlace
        do throws(FileError) {
            place = try FilePlace(reach)
        } catch {
            throw ListenError(.cannotCreate, "\(name): \(error)")
        }
        guard place.isSocket, place.owner == maker, place.names == 1 else {
            throw ListenError(.taken, "\(name): the socket was replaced by another file")
        }
        // In a directory of another user's the file is that user's, who has made it.
        guard place.give(to: reach.isRoots ? userID : .max, group: groupID) else {
            throw .system(errno, name, "giving it to the group")
        }
    }

    private static func clear(_ path: String, _ address: sockaddr_un, takesOverStale: Bool) throws(ListenError) {
        let name = "unix:\(path)"
        guard let status = try? Stat(path, followTargetSymlink: false) else { return }
        guard status.type == .socket else {
            throw ListenError(.cannotCreate, "\(name): exists and is not a socket; not removed")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw .system(errno, name, "socket") }
        defer { Glibc.close(probe) }
        // A full backlog (EAGAIN) means that somebody is there, too.
        if address.withPointer({ connect(probe, $0, $1) }) == 0 || errno == EAGAIN {
            throw ListenError(
                .taken, "\(name): \(holder(of: probe)) listens there already: stop it, or listen elsewhere")
        }
        guard errno == ECONNREFUSED else { throw .system(errno, name, "looking who listens there") }
        guard takesOverStale else {
            throw ListenError(.taken, "\(name): a stale socket lies there, and server.reuse_socket is false")
        }
        do throws(Errno) {
            try FileNames.remove(path)
        } catch {
            guard error == .noSuchFileOrDirectory else {
                throw .system(error.rawValue, name, "removing a stale socket")
            }
        }
    }

    /// Who is at the other end, as far as the system tells.
    private static func holder(of descriptor: CInt) -> String {
        guard let peer = PeerCredentials(of: descriptor) else { return "another process" }
        let name = (try? FileDescriptor.contents(of: "/proc/\(peer.process)/comm", limit: 16)) ?? []
        let text = name.prefix(16).filter { $0 > 0x20 && $0 < 0x7f }
        return "process \(peer.process) (\(String(decoding: text, as: UTF8.self)))"
    }

    private static func identify(group: String, for name: String) throws(ListenError) -> gid_t {
        guard let entry = getgrnam(group) else {
            throw ListenError(.unusable, "\(name): unknown group \"\(group)\"")
        }
        return entry.pointee.gr_gid
    }
}
