import Foundation
import TestSupport

/// A listening socket that a test holds and hands to daemons, as the socket unit of systemd does.
///
/// While no daemon runs, connections wait in it.
final class HeldSocket {
    let endpoint: Endpoint
    let name: String
    private let descriptor: Int32

    init(at endpoint: Endpoint, name: String = "policy", listens: Bool = true) throws {
        self.endpoint = endpoint
        self.name = name
        descriptor = try endpoint.listen(backlog: listens ? 1_024 : nil)
        if case .unix(let path) = endpoint { _ = chmod(path, 0o666) }
    }

    deinit {
        Foundation.close(descriptor)
    }

    /// Sockets on their way to a process, which can be started with its standard streams only.
    ///
    /// They go through its standard input, where the beginning of its command takes them out.
    struct Parcel {
        /// The standard input of the process.
        let input: Int32
        /// The beginning of its command: what follows gets the sockets, and the variables that tell of them.
        let launcher: [String]
        private let sender: Int32

        init(_ sockets: [HeldSocket]) throws {
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw TestError.system("socketpair") }
            (sender, input) = (ends[0], ends[1])
            let script = """
                import os, signal, socket, sys
                count = int(sys.argv[1])
                # Above the numbers that they are to have.
                held = [os.dup2(d, 64 + d) for d in socket.recv_fds(socket.socket(fileno=os.dup(0)), 1, count)[1]]
                for number, descriptor in enumerate(held): os.dup2(descriptor, 3 + number)
                os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=sys.argv[1], LISTEN_FDNAMES=sys.argv[2])
                os.closerange(3 + count, 256)
                # Python ignores some.
                for number in signal.SIGPIPE, signal.SIGXFSZ: signal.signal(number, signal.SIG_DFL)
                os.execvp(sys.argv[3], sys.argv[3:])
                """
            launcher = [
                "/usr/bin/python3", "-c", script, "\(sockets.count)", sockets.map(\.name).joined(separator: ":"),
            ]
            try Self.send(sockets.map(\.descriptor), through: sender)
        }

        /// Closes our ends; what the process has stays.
        func close() {
            Foundation.close(sender)
            Foundation.close(input)
        }

        /// Sends descriptors through a unix socket, which copies them (SCM_RIGHTS of unix(7)).
        private static func send(_ descriptors: [Int32], through socket: Int32) throws {
            let length = MemoryLayout<cmsghdr>.size + descriptors.count * MemoryLayout<Int32>.size
            var (byte, control) = (UInt8(0), [cmsghdr](repeating: cmsghdr(), count: descriptors.count + 1))
            control[0].cmsg_len = length
            control[0].cmsg_level = SOL_SOCKET
            control[0].cmsg_type = Int32(SCM_RIGHTS)
            let sent = control.withUnsafeMutableBytes { control in
                for (number, descriptor) in descriptors.enumerated() {
                    let offset = MemoryLayout<cmsghdr>.size + number * MemoryLayout<Int32>.size
                    control.storeBytes(of: descriptor, toByteOffset: offset, as: Int32.self)
                }
                return withUnsafeMutablePointer(to: &byte) { byte in
                    var vector = iovec(iov_base: byte, iov_len: 1)
                    return withUnsafeMutablePointer(to: &vector) { vector in
                        var message = msghdr()
                        (message.msg_iov, message.msg_iovlen) = (vector, 1)
                        (message.msg_control, message.msg_controllen) = (control.baseAddress, length)
                        return sendmsg(socket, &message, 0)
                    }
                }
            }
            guard sent == 1 else { throw TestError.system("sendmsg") }
        }
    }
}

/// A socket of the test's own that occupies an endpoint.
final class ListeningSocket {
    private var descriptor: Int32

    init(at endpoint: Endpoint) throws {
        descriptor = try endpoint.listen(backlog: 1)
    }

    deinit {
        close()
    }

    func close() {
        if descriptor >= 0 {
            Foundation.close(descriptor)
            descriptor = -1
        }
    }
}
