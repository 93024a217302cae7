import NIOSSL
import Storage
import TrustedFiles

/// How connections are encrypted: what the files hold, read once.
struct TLSAccess: Sendable {
    private let context: NIOSSLContext
    private let serverName: String?

    /// Reads the files; not on an event loop.
    init(_ tls: RedisLocation.TLS) throws(StoreError) {
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
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw StoreError(
                .denied, "TLS can't be set up with these files; is the key that of the certificate? (\(error))")
        }
        serverName = tls.serverName
    }

    /// The handler of a connection to that host.
    ///
    /// An address is never asked for by name; it is looked for among the addresses of the certificate.
    func makeHandler(for host: String) throws -> NIOSSLClientHandler {
        let name = serverName ?? host
        do {
            return try NIOSSLClientHandler(context: context, serverHostname: name.isEmpty ? nil : name)
        } catch let error as NIOSSLExtraError where error == .cannotUseIPAddressInSNI {
            return try NIOSSLClientHandler(context: context, serverHostname: nil)
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
                .denied, "\(file): \(what) can be read from it (option \(option)): \(error.sentence)")
        }
    }
}
