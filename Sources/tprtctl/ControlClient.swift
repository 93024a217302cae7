import Control
import Glibc
import Programs
import TrustedFiles

/// Asks a daemon something over its control socket.
struct ControlClient {
    /// The path of the socket.
    let path: String
    /// How long the reply may take, in seconds: a daemon reads millions of entries in much less.
    var patience = 300

    /// Sends a request and waits for its reply.
    func ask(_ request: ControlRequest) throws(ProgramError) -> ControlReply {
        let descriptor = try connected()
        defer { close(descriptor) }
        try send(Array(request.line.utf8), to: descriptor)
        let line = try line(from: descriptor)
        do throws(ControlFault) {
            return try ControlReply(line: line)
        } catch {
            throw ProgramError(.unavailable, "unix:\(path): what answers there is not tprtd: \(error)")
        }
    }

    private func connected() throws(ProgramError) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw ProgramError(.usage, "unix:\(path): a socket's path has at most 107 bytes")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(errno) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        func connected() -> CInt {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 ? 0 : errno
                }
            }
        }
        let code: CInt
        do throws(FileError) {
            // What answers there is the daemon, or nobody that root would be led to.
            code = try FileReach(path).act(connected)
        } catch {
            close(descriptor)
            throw ProgramError(.noPermission, "unix:\(error)")
        }
        guard code == 0 else {
            close(descriptor)
            throw failure(code)
        }
        return descriptor
    }

    private func send(_ bytes: [UInt8], to descriptor: CInt) throws(ProgramError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE || errno == ECONNRESET {
                // Who is turned away may find the reason waiting.
                return
            } else if errno != EINTR {
                throw failure(errno)
            }
        }
    }

    private func line(from descriptor: CInt) throws(ProgramError) -> [UInt8] {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                line += chunk[..<count]
                if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<end]) }
            } else if count == 0 || errno == ECONNRESET {
                throw ProgramError(
                    .unavailable, "unix:\(path): connection closed without a reply (is tprtd stopping?); try again")
            } else if errno != EINTR {
                throw failure(errno)
            }
        }
    }

    private func failure(_ code: CInt) -> ProgramError {
        switch code {
        case ENOENT, ECONNREFUSED:
            ProgramError(
                .unavailable,
                "unix:\(path): nobody listens there: is tprtd running, with server.control_socket set to this path?")
        case EACCES, EPERM:
            ProgramError(.noPermission, "unix:\(path): no permission: be root, tprtd's user or of its group")
        case EAGAIN: ProgramError(.unavailable, "unix:\(path): no answer within \(patience) s")
        default: ProgramError(.unavailable, "unix:\(path): \(String(cString: strerror(code)))")
        }
    }
}
