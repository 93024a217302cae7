import CProcess
import Glibc
import LogOutput
import NIOConcurrencyHelpers
import Server
import SystemPackage
import WhitelistFiles

/// The side of a `FileServer` that is in the chroot; one question at a time, from any thread, each of which blocks.
final class FileClient: Sendable {
    private struct Answer {
        var names: [String] = []
        var payload: ArraySlice<UInt8> = []
        /// -1 where none came.
        var descriptor: CInt = -1
    }

    private let socket: NIOLockedValueBox<CInt>

    /// A client on that socket, which is its to close.
    init(_ socket: CInt) {
        self.socket = NIOLockedValueBox(socket)
    }

    deinit {
        socket.withLockedValue { _ = close($0) }
    }

    /// The files of the permit, as if they were here.
    var access: FileAccess {
        FileAccess(
            open: { path throws(FileAccess.SystemError) in
                FileDescriptor(rawValue: try self.ask(.read, path).descriptor)
            },
            names: { directory throws(FileAccess.SystemError) in try self.ask(.list, directory).names },
            status: { path in (try? self.ask(.look, path))?.payload.status })
    }

    /// Opens a log to add to it, and makes it if need be; the descriptor is the caller's to close.
    func openForAppending(_ path: String) throws(FileAccess.SystemError) -> FileDescriptor {
        FileDescriptor(rawValue: try ask(.append, path).descriptor)
    }

    /// Connects to a log daemon; the descriptor is the caller's to close.
    func connect(_ path: String) throws(FileAccess.SystemError) -> LogConnection {
        let answer = try ask(.connect, path)
        return LogConnection(descriptor: answer.descriptor, isStream: answer.payload.first == 1)
    }

    /// Removes a file, if that can be done.
    func remove(_ path: String) {
        _ = try? ask(.remove, path)
    }

    /// Waits for the word that the server has become who it is to be.
    func awaitReadiness() throws(FileAccess.SystemError) {
        _ = try socket.withLockedValue { socket in
            Result { () throws(FileAccess.SystemError) in try Self.answer(on: socket) }
        }
        .get()
    }

    private func ask(_ question: FileServer.Question, _ path: String) throws(FileAccess.SystemError) -> Answer {
        let message = [question.rawValue] + path.utf8
        guard message.count <= FileServer.messageLimit else { throw FileAccess.SystemError(code: .fileNameTooLong) }
        return try socket.withLockedValue { socket in
            Result { () throws(FileAccess.SystemError) in
                guard tprt_send(socket, message, message.count, -1) == message.count else {
                    throw FileAccess.SystemError(code: Errno(rawValue: errno))
                }
                return try Self.answer(on: socket)
            }
        }.get()
    }

    private static func answer(on socket: CInt) throws(FileAccess.SystemError) -> Answer {
        var answer = Answer()
        var bytes = [UInt8](repeating: 0, count: FileServer.messageLimit)
        while true {
            let count = tprt_receive(socket, &bytes, bytes.count, &answer.descriptor)
            // The process outside is gone.
            guard count > 0 else {
                throw FileAccess.SystemError(code: count == 0 ? .brokenPipe : Errno(rawValue: errno))
            }
            let message = bytes[1..<count]
            if bytes[0] == FileServer.Kind.name.rawValue {
                answer.names.append(String(decoding: message, as: UTF8.self))
                continue
            }
            let code = message.withUnsafeBytes { $0.count < 4 ? EPROTO : $0.loadUnaligned(as: CInt.self) }
            guard code == 0 else { throw FileAccess.SystemError(code: Errno(rawValue: code)) }
            answer.payload = message.dropFirst(MemoryLayout<CInt>.size)
            return answer
        }
    }
}

extension ArraySlice<UInt8> {
    /// What stat(2) says, byte by byte.
    fileprivate var status: Stat? {
        withUnsafeBytes { $0.count == MemoryLayout<stat>.size ? Stat(rawValue: $0.loadUnaligned(as: stat.self)) : nil }
    }
}
