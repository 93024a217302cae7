import Glibc
import NIOConcurrencyHelpers
import Server
import TrustedFiles
import WhitelistFiles

/// Opens the log file, and connects to log daemons: at first as whoever starts the daemon, later as whom it has become,
/// from a chroot through the process outside.
final class LogOpener: Sendable {
    private let service: FileUser?
    private let outside = NIOLockedValueBox<FileClient?>(nil)

    /// An opener for a daemon that is to become that user; nil where it stays who it is.
    init(owner: SocketOwner?) {
        service = owner.map { FileUser($0.user, group: $0.group) }
    }

    /// From now on files are reached through the process outside; nil where there is none.
    func leave(for outside: FileClient?) {
        self.outside.withLockedValue { $0 = outside }
    }

    /// Opens a file to add to it, and makes it if need be.
    func open(_ path: String) throws(LogFileError) -> CInt {
        if let outside = outside.withLockedValue({ $0 }) {
            do throws(FileAccess.SystemError) {
                return try outside.openForAppending(path)
            } catch {
                throw LogFileError(number: error.code)
            }
        }
        guard let service, geteuid() == 0 else { return try LogDestination.openFile(path) }
        return try LogDestination.openFile(path, for: service)
    }

    /// Connects to a log daemon.
    @Sendable func connect(_ address: SyslogAddress) -> Result<LogConnection, LogConnection.Fault> {
        guard case .unix(let path) = address, let outside = outside.withLockedValue({ $0 }) else {
            return address.connect(for: service)
        }
        do throws(FileAccess.SystemError) {
            return .success(try outside.connect(path))
        } catch {
            return .failure(LogConnection.Fault(String(cString: strerror(error.code))))
        }
    }
}
