import Glibc
public import Storage

/// How the servers of a location are reached: what has to be read from files is read.
///
/// One is made for a location, on a thread that may wait for a disk, and shared by the clients of all event loops.
public struct RedisAccess: Sendable {
    let location: RedisLocation
    let login: Greeting.Login?
    let sentinelLogin: Greeting.Login?
    let tls: TLSAccess?
    let remarks: Remarks

    /// Reads the files that the location names.
    ///
    /// - Parameter report: told in one line what the administrator should mend; on any thread
    public init(_ location: RedisLocation, report: @escaping @Sendable (String) -> Void) throws(StoreError) {
        self.location = location
        login = try location.login.map { login throws(StoreError) in try Greeting.Login(login) }
        sentinelLogin = try location.sentinelLogin.map { login throws(StoreError) in try Greeting.Login(login) }
        tls = try location.tls.map { tls throws(StoreError) in try TLSAccess(tls) }
        remarks = Remarks(report: report)
    }
}

extension Greeting.Login {
    fileprivate init(_ login: RedisLocation.Login) throws(StoreError) {
        user = login.user
        switch login.password {
        case .text(let text): password = text
        case .file(let path): password = try Self.firstLine(of: path)
        }
    }

    /// The password in a file: what stands before the first end of a line.
    private static func firstLine(of path: String) throws(StoreError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw StoreError(.denied, "\(path): the password can't be read (\(String(cString: strerror(errno))))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else {
            throw StoreError(.denied, "\(path): the password can't be read (\(String(cString: strerror(errno))))")
        }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty, count < bytes.count, let text = String(validating: line, as: UTF8.self) else {
            throw StoreError(.denied, "\(path): its first line is no password (UTF-8, less than 4096 bytes)")
        }
        return text
    }
}
