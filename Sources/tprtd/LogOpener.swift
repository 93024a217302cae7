import Glibc
import NIOConcurrencyHelpers
import Server
import WhitelistFiles

/// Opens the log file, and connects to log daemons: at first as whoever starts the daemon, later as whom it has become,
/// from a chroot through the process outside.
final class LogOpener: Sendable {
    private let owner: SocketOwner?
    private let outside = NIOLockedValueBox<FileClient?>(nil)

    /// An opener for a daemon that is to become that user; nil where it stays who it is.
    init(owner: SocketOwner?) {
        self.owner = owner
    }

    /// From now on files are reached through the process outside; nil where there is none.
    func leave(for outside: FileClient?) {
        self.outside.withLockedValue { $0 = outside }
    }

    /// Opens a file to add to it, and makes it if need be.
    func open(_ path: String) throws(LogFileError) -> CInt {
        if let outside = outside.withLockedValue({ $0 }) {
            do throws(FileAccess.Fault) {
                return try outside.openForAppending(path)
            } catch {
                throw LogFileError(number: error.code)
            }
        }
        let descriptor = try LogDestination.openFile(path)
        if let owner { give(descriptor, to: owner) }
        return descriptor
    }

    /// Connects to a log daemon.
    @Sendable func connect(_ address: SyslogAddress) -> Result<LogConnection, LogConnection.Fault> {
        guard case .unix(let path) = address, let outside = outside.withLockedValue({ $0 }) else {
            return address.connect()
        }
        do throws(FileAccess.Fault) {
            return .success(try outside.connect(path))
        } catch {
            return .failure(LogConnection.Fault(String(cString: strerror(error.code))))
        }
    }

    /// A file of root's is that user's from now on, who couldn't open it again else.
    private func give(_ descriptor: CInt, to owner: SocketOwner) {
        var status = stat()
        guard geteuid() == 0, fstat(descriptor, &status) == 0, status.st_uid == 0,
            status.st_mode & S_IFMT == S_IFREG
        else { return }
        fchown(descriptor, owner.user, owner.group)
    }
}
