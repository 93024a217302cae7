import Glibc
public import Settings
public import Storage
import SystemPackage

/// Why a program ends before its time: a line or more on standard error, and an exit status of sysexits(3).
public struct ProgramError: Error {
    /// What the program ends with.
    public let status: ExitStatus
    /// What is wrong, each in one line with its remedy.
    public let messages: [String]

    /// One thing that is wrong.
    public init(_ status: ExitStatus, _ message: String) {
        self.init(status, [message])
    }

    /// Several things that are wrong.
    public init(_ status: ExitStatus, _ messages: [String]) {
        self.status = status
        self.messages = messages
    }

    /// The settings are wrong.
    public init(_ errors: SettingErrors) {
        self.init(.configuration, errors.errors.map(\.description))
    }

    /// A store can't be opened or doesn't answer.
    public init(_ error: StoreError) {
        self.init(ExitStatus(error.code), error.description)
    }

    /// Says it in the program's name.
    public func say(_ program: String) {
        _ = try? FileDescriptor.standardError.writeAll(messages.map { "\(program): \($0)\n" }.joined().utf8)
    }

    /// Says it in the program's name and ends the program.
    public func exit(_ program: String) -> Never {
        say(program)
        Glibc.exit(status.rawValue)
    }
}

/// Exit statuses, after sysexits(3); those of a signal as the shell has them.
public enum ExitStatus: CInt, Sendable {
    /// The command line is wrong.
    case usage = 64
    /// What was read has faults.
    case dataError = 65
    /// What is to be read isn't there, or isn't what it should be.
    case noInput = 66
    /// Something that is needed is taken by somebody else.
    case unavailable = 69
    /// A fault of the program itself.
    case software = 70
    /// A file or socket can't be made.
    case cannotCreate = 73
    /// Not with these rights.
    case noPermission = 77
    /// The configuration is wrong.
    case configuration = 78
    /// SIGINT came.
    case interrupted = 130
    /// SIGTERM came.
    case terminated = 143

    /// What a fault of a store means for a program that can't go on without it.
    public init(_ code: StoreError.Code) {
        switch code {
        case .inUse, .unavailable, .corrupt, .writeRefused: self = .unavailable
        case .denied: self = .noPermission
        case .cannotCreate: self = .cannotCreate
        case .misconfigured: self = .configuration
        }
    }
}
