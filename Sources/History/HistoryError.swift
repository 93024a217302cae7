import GRDB
import SystemPackage

/// Why a history can't be written or read.
public struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Code: Sendable, Equatable {
        /// There is no file.
        case missing
        /// The system doesn't let it be read or written.
        case denied
        /// Another program has locked it.
        case locked
        /// It is damaged.
        case damaged
        /// A newer version of TPRT made it.
        case newerVersion
        /// It is something else than a history.
        case otherFormat
        /// There is no room left on the disk, or the disk fails.
        case noRoom
        /// A reader keeps what is written ahead from getting into the file.
        case heldByReader
        /// Anything else that SQLite says.
        case failed
    }

    /// What kind of fault it is.
    public let code: Code
    /// The file, the fault and, where there is one, the remedy: one line.
    public let description: String

    /// A fault of that file.
    init(_ code: Code, _ path: String, _ message: String) {
        self.code = code
        description = "\(path): \(message)"
    }

    /// What the system answers.
    init(_ error: Errno, _ path: String) {
        switch error {
        case .noSuchFileOrDirectory: self.init(.missing, path, "\(error): create its directory")
        case .permissionDenied, .notPermitted, .readOnlyFileSystem:
            self.init(.denied, path, "\(error): give its directory to the user that tprtd runs as")
        case .noSpace, .diskQuotaExceeded: self.init(.noRoom, path, "\(error)")
        default: self.init(.failed, path, "\(error)")
        }
    }

    /// What SQLite says; an error of this type stays as it is.
    init(_ error: any Error, _ path: String) {
        if let error = error as? HistoryError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.failed, path, "cannot be used (\(error))")
            return
        }
        let message = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.locked, path, "locked by another program: end its transaction, or try again")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self.init(.damaged, path, "damaged (\(message)); tprtd quarantines it and begins a new one")
        case .SQLITE_FULL, .SQLITE_IOERR:
            self.init(.noRoom, path, "cannot be written: disk full or failing (\(message))")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                .denied, path,
                "no permission (\(message)): give the file and its directory to the user that tprtd runs as")
        default: self.init(.failed, path, "cannot be used (\(message))")
        }
    }
}
