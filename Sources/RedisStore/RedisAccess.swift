import FileCalls
import Glibc
import NIOSSL
package import RedisClient
public import Storage
public import StoreURLs
import SystemPackage
import TrustedFiles

/// How the servers of a location are reached: what has to be read from files is read.
///
/// One is made for a location, on a thread that may wait for a disk, and shared by the clients of all event loops.
public struct RedisAccess: Sendable {
    let location: RedisLocation
    /// How a client reaches them.
    package var configuration: RedisConfiguration

    /// Reads the files that the location names.
    ///
    /// - Parameter report: told in one line what the administrator should fix; on any thread
    public init(_ location: RedisLocation, report: @escaping @Sendable (String) -> Void) throws(StoreError) {
        self.location = location
        configuration = RedisConfiguration(
            RedisConfiguration.Servers(location.servers), database: location.database,
            login: try location.login.map { login throws(StoreError) in try RedisLogin(login) },
            sentinelLogin: try location.sentinelLogin.map { login throws(StoreError) in try RedisLogin(login) },
            tls: try location.tls.map { tls throws(StoreError) in try RedisTLS(tls) }, report: report)
    }
}

extension RedisConfiguration.Servers {
    fileprivate init(_ servers: RedisLocation.Servers) {
        self =
            switch servers {
            case .single(let endpoint): .single(.tcp(RedisEndpoint(endpoint)))
            case .unixSocket(let path): .single(.unix(path: path))
            case .sentinels(let endpoints, let service):
                .sentinels(endpoints.map { RedisEndpoint($0) }, service: service)
            case .cluster(let endpoints): .cluster(endpoints.map { RedisEndpoint($0) })
            }
    }
}

extension RedisEndpoint {
    fileprivate init(_ endpoint: RedisLocation.Endpoint) {
        self.init(host: endpoint.host, port: endpoint.port)
    }
}

extension RedisLogin {
    fileprivate init(_ login: RedisLocation.Login) throws(StoreError) {
        let password =
            switch login.password {
            case .text(let text): text
            case .file(let path): try Self.firstLine(of: path)
            }
        self.init(user: login.user, password: password)
    }

    /// The password in a file: what stands before the first end of a line.
    private static func firstLine(of path: String) throws(StoreError) -> String {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try accessFile(path)
        } catch {
            throw StoreError(.denied, "\(error.path): the password can't be read (\(error.message))")
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
    let descriptor = try reach.open(.readOnly)
    defer { try? descriptor.close() }
    guard (try? Stat(descriptor))?.type == .regular else {
        throw FileError(path, EINVAL, message: "is not a regular file")
    }
    do throws(Errno) { return try descriptor.readToEnd(limit: 1 << 20) } catch {
        throw FileError(path, error.rawValue)
    }
}

extension RedisTLS {
    /// Reads the files; not on an event loop.
    fileprivate init(_ tls: RedisLocation.TLS) throws(StoreError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if !tls.isVerified { configuration.certificateVerification = .none }
        if let file = tls.authorityFile {
            configuration.trustRoots = .certificates(try Self.certificates(in: file, option: "ca_file"))
        }
        if let identity = tls.identity {
            let chain = try Self.certificates(in: identity.certificateFile, option: "cert_file")
            configuration.certificateChain = chain.map { .certificate($0) }
            let bytes = try Self.contents(of: identity.keyFile, "no private key in PEM", option: "key_file")
            guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
                throw StoreError(
                    .denied, "\(identity.keyFile): no private key in PEM can be read from it (option key_file)")
            }
            configuration.privateKey = .privateKey(key)
        }
        do {
            self.init(try NIOSSLContext(configuration: configuration), serverName: tls.serverName)
        } catch {
            throw StoreError(
                .denied, "TLS can't be set up with these files; is the key that of the certificate? (\(error))")
        }
    }

    private static func certificates(in file: String, option: String) throws(StoreError) -> [NIOSSLCertificate] {
        let bytes = try contents(of: file, "no certificate in PEM", option: option)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw StoreError(.denied, "\(file): no certificate in PEM can be read from it (option \(option))")
        }
        return certificates
    }

    private static func contents(of file: String, _ what: String, option: String) throws(StoreError) -> [UInt8] {
        do throws(FileError) {
            return try accessFile(file)
        } catch {
            throw StoreError(
                .denied, "\(file): \(what) can be read from it (option \(option)): \(error.message)")
        }
    }
}
