import Glibc
import LogOutput
import NIOConcurrencyHelpers
import Programs
import Server
import Settings
import SystemPackage
import TrustedFiles
import WhitelistFiles

/// What the settings mean for the log; nothing is opened yet.
struct LogPlan {
    /// How much is logged.
    let level: LogLevel
    /// How much of addresses is.
    let addresses: AddressForm
    private let format: LineFormat
    private let destination: Destination
    /// The program's name in its lines.
    private let ident: String
    /// Where a copy of each line goes.
    private let copy: LogCopy

    private enum Destination {
        case descriptor(CInt, marksPriority: Bool)
        case file(path: String, origin: String)
        case syslog(SyslogAddress, SyslogHeader)
        case journal(facility: UInt8)
        case nothing
    }

    /// Checks the settings; nil where there is a fault, which is then among `faults`.
    init?(_ loaded: LoadedConfiguration, environment: [String: String], faults: inout [String]) {
        let log = loaded.configuration.log
        level = LogLevel(log)
        addresses = log.logAddresses
        format = LineFormat(log.logFormat)
        ident = log.logIdent
        copy = log.logCopy
        func report(_ key: String, _ message: String) {
            faults.append("\(loaded.origin(of: key)): \(key): \(message)")
        }
        func descriptor(_ number: CInt) -> Destination {
            let isJournal = LogDestination.isJournal(number, stream: environment["JOURNAL_STREAM"])
            return .descriptor(number, marksPriority: isJournal)
        }
        switch log.logType {
        case .stderr: destination = descriptor(STDERR_FILENO)
        case .stdout: destination = descriptor(STDOUT_FILENO)
        case .file:
            guard log.logFile.hasPrefix("/") else {
                report("log.log_file", "\"\(log.logFile)\" is not an absolute path: begin it with /")
                return nil
            }
            destination = .file(path: log.logFile, origin: loaded.origin(of: "log.log_file").description)
        case .syslog:
            guard let address = SyslogAddress(log.logSyslogDest) else {
                report(
                    "log.log_syslog_dest",
                    "\"\(log.logSyslogDest)\" is neither the path of a socket nor host:port: "
                        + "write /dev/log, 192.0.2.1:514 or [2001:db8::1]:514")
                return nil
            }
            let header = SyslogHeader(
                log.logSyslogFormat == .rfc5424 ? .rfc5424 : .rfc3164, facility: log.logFacility.number,
                host: systemHostname(), program: ident)
            destination = .syslog(address, header)
        case .journald: destination = .journal(facility: log.logFacility.number)
        case .none, .fromConfig: destination = .nothing
        }
    }

    /// What is opened again and again.
    var permit: FilePermit {
        switch destination {
        case .file(let path, _): FilePermit(logs: [path])
        case .syslog(.unix(let path), _): FilePermit(sockets: [path])
        case .journal: FilePermit(sockets: [LogDestination.journalSocket])
        case .syslog(.udp, _), .descriptor, .nothing: FilePermit()
        }
    }

    /// Opens the destination.
    ///
    /// A log daemon that isn't there is no reason not to serve mail: standard error says so, and it is tried again.
    ///
    /// - Parameters:
    ///   - opener: opens a log file
    ///   - addresses: how much of them decisions show
    func open(by opener: LogOpener, showing addresses: LoggedAddresses) throws(ProgramError) -> LogSink {
        var destination = try openDestination(by: opener)
        switch copy {
        case .none: break
        case .stdout: destination = destination.copied(to: .descriptor(STDOUT_FILENO))
        case .stderr: destination = destination.copied(to: .descriptor(STDERR_FILENO))
        }
        return LogSink(destination, format: format, level: level, addresses: addresses, now: WallClock.now)
    }

    private func openDestination(by opener: LogOpener) throws(ProgramError) -> LogDestination {
        switch destination {
        case .descriptor(let number, let marksPriority):
            return .descriptor(number, marksPriority: marksPriority)
        case .file(let path, let origin):
            // The time and the names that a syslog daemon would put before postgrey's lines.
            let linePrefix = format == .postgrey ? " \(systemHostname()) \(ident)" : nil
            do throws(LogFileError) {
                return try .file(path, linePrefix: linePrefix) { (path) throws(LogFileError) in
                    try opener.open(path)
                }
            } catch {
                let (status, remedy) = error.consequence
                throw ProgramError(status, "\(origin): log.log_file: \(path): \(error): \(remedy)")
            }
        case .syslog(let address, let header):
            return .syslog(
                address, header: header, connector: opener.connect, warn: { warn("log.log_syslog_dest", $0) })
        case .journal(let facility):
            return .journal(
                program: ident, facility: facility, connector: opener.connect,
                warn: { warn("log.log_type", $0) })
        case .nothing: return .nothing
        }
    }

    private func warn(_ key: String, _ fault: String) {
        _ = try? FileDescriptor.standardError.writeAll("\(Program.name): warning: \(key): \(fault)\n".utf8)
    }
}

extension LogLevel {
    /// What the settings say; nothing where the log goes nowhere.
    init(_ log: Configuration.Log) {
        self = log.logType == .none ? .none : LogLevel(rawValue: log.logLevel) ?? .info
    }
}

extension LineFormat {
    fileprivate init(_ format: LogFormat) {
        switch format {
        case .postgrey: self = .postgrey
        case .logfmt: self = .logfmt
        case .json: self = .json
        }
    }
}

extension LogFileError {
    /// What the program ends with, and what helps.
    fileprivate var consequence: (status: ExitStatus, remedy: String) {
        switch number {
        case .permissionDenied, .notPermitted:
            (.noPermission, "let the user of tprtd write there (chown), or choose another path")
        case .isDirectory, .noSuchAddressOrDevice, .tooManySymbolicLinkLevels, .fileNameTooLong:
            (.configuration, "give the path of a file")
        case .noSuchFileOrDirectory, .notDirectory: (.cannotCreate, "create its directory first")
        default: (.cannotCreate, "choose another path, or another log_type")
        }
    }
}

extension LogFacility {
    /// The number that RFC 5424, table 1 gives it.
    fileprivate var number: UInt8 {
        switch self {
        case .kern: 0
        case .user: 1
        case .mail: 2
        case .daemon: 3
        case .auth: 4
        case .syslog: 5
        case .lpr: 6
        case .news: 7
        case .uucp: 8
        case .cron: 9
        case .authpriv: 10
        case .ftp: 11
        case .local0: 16
        case .local1: 17
        case .local2: 18
        case .local3: 19
        case .local4: 20
        case .local5: 21
        case .local6: 22
        case .local7: 23
        }
    }
}

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
    func open(_ path: String) throws(LogFileError) -> FileDescriptor {
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
    @Sendable func connect(_ address: SyslogAddress) -> Result<LogConnection, LogConnection.ConnectError> {
        guard case .unix(let path) = address, let outside = outside.withLockedValue({ $0 }) else {
            return address.connect(for: service)
        }
        do throws(FileAccess.SystemError) {
            return .success(try outside.connect(path))
        } catch {
            return .failure(LogConnection.ConnectError("\(error.code)"))
        }
    }
}
