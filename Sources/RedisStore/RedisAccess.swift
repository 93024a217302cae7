import Glibc
public import Storage
import TrustedFiles

/// How the servers of a location are reached: what has to be read from files is read.
///
/// One is made for a location, on a thread that may wait for a disk, and shared by the clients of all event loops.
public struct RedisAccess: Sendable {
    let location: RedisLocation
    let login: Handshake.Login?
    let sentinelLogin: Handshake.Login?
    let tls: TLSAccess?
    let warnings: WarningReporter

    /// Reads the files that the location names.
    ///
    /// - Parameter report: told in one line what the administrator should fix; on any thread
    public init(_ location: RedisLocation, report: @escaping @Sendable (String) -> Void) throws(StoreError) {
        self.location = location
        login = try location.login.map { login throws(StoreError) in try Handshake.Login(login) }
        sentinelLogin = try location.sentinelLogin.map { login throws(StoreError) in try Handshake.Login(login) }
        tls = try location.tls.map { tls throws(StoreError) in try TLSAccess(tls) }
        warnings = WarningReporter(report: report)
    }
}

extension Handshake.Login {
    fileprivate init(_ login: RedisLocation.Login) throws(StoreError) {
        user = login.user
        switch login.password {
        case .text(let text): password = text
        case .file(let path): password = try Self.firstLine(of: path)
        }
    }

    /// The password in a file: what stands before the first end of a line.
    private static func firstLine(of path: String) throws(StoreError) -> String {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try accessFile(path)
        } catch {
            throw StoreError(.denied, "\(error.path): the password can't be read (\(error.sentence))")
        }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty, line.count < 4096, let text = String(validating: line, as: UTF8.self) else {
            throw StoreError(.denied, "\(path): its first line is not a password (UTF-8, less than 4096 bytes)")
        }
        return text
    }
}

/// The bytes of a file that says how a server is reached; of a large one, its beginning.
///
/// Such files are often root's alone, and read before the daemon becomes another user. So it matters whose path it is.
func accessFile(_ path: String) throws(FileError) -> [UInt8] {
    let reach = try FileReach(path)
    let descriptor = try reach.open(O_RDONLY)
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw FileError(path, EINVAL, sentence: "is not a regular file")
    }
    let limit = 1 << 20
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < limit {
        let count = read(descriptor, &chunk, chunk.count)
        guard count >= 0 else { throw FileError(path, errno) }
        if count == 0 { break }
        bytes += chunk[..<count]
    }
    return bytes
}
