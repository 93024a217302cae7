import Glibc
import NIOCore
import NIOPosix
import NIOSSL

extension RedisError {
    /// Why a connection can't be made, or broke.
    init(connectionError error: any Error) {
        switch error {
        case let fault as RedisError: self = fault
        case let error as NIOConnectionError: self.init(error)
        case let error as IOError: self.init(.unavailable(.unreachable), Self.message(for: error))
        case ChannelError.connectTimeout: self.init(.unavailable(.unreachable), "the server can't be reached in time")
        case let error as NIOSSLError: self.init(error)
        case let error as BoringSSLError: self.init(error)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self.init(.misconfigured, "the server's certificate is for another name or address (option server_name)")
        default: self.init(.unavailable(.unreachable), String(logSafe: ByteBuffer(string: "\(error)")))
        }
    }

    private init(_ error: NIOConnectionError) {
        let reasons = error.connectionErrors.map { RedisError(connectionError: $0.error).message }
        if let reason = reasons.first {
            self.init(.unavailable(.unreachable), reason)
        } else {
            self.init(.unavailable(.unreachable), "the name of the server can't be resolved")
        }
    }

    private init(_ error: NIOSSLError) {
        switch error {
        case .handshakeFailed(let reason): self.init(reason)
        case .unableToValidateCertificate, .noCertificateToValidate:
            self.init(.misconfigured, "the server's certificate can't be verified (option ca_file)")
        case .uncleanShutdown: self.init(.unavailable(.unreachable), "the server closed the connection")
        default: self.init(.unavailable(.unreachable), "TLS failed: \(String(logSafe: ByteBuffer(string: "\(error)")))")
        }
    }

    private init(_ error: BoringSSLError) {
        guard case .sslError(let stack) = error else {
            // Such as a server that went away in the middle.
            self.init(.unavailable(.unreachable), "TLS failed: the server closed the connection")
            return
        }
        let reasons = stack.map { Self.reason($0.description) }
        if reasons.contains("CERTIFICATE_VERIFY_FAILED") {
            self.init(.misconfigured, "the server's certificate can't be verified (option ca_file)")
        } else if reasons.contains("WRONG_VERSION_NUMBER") {
            self.init(.misconfigured, "the server doesn't speak TLS on this port")
        } else if reasons.contains(where: { $0.isAlertOnCertificate }) {
            self.init(.misconfigured, "the server refuses our certificate (options cert_file and key_file)")
        } else {
            self.init(.unavailable(.unreachable), "TLS failed: \(reasons.joined(separator: ", "))")
        }
    }

    /// The constant in the library's text: `Error: 268436504 error:10000418:SSL routines:OPENSSL_internal:REASON at file`.
    private static func reason(_ text: String) -> String {
        let constant = text.split(separator: " at ").first?.split(separator: ":").last ?? ""
        return String(logSafe: ByteBuffer(substring: constant.prefix(60)))
    }

    private static func message(for error: IOError) -> String {
        switch error.errnoCode {
        case ECONNREFUSED: "the connection was refused"
        case ENOENT: "socket does not exist"
        case EACCES: "no permission to connect to the socket"
        default: String(cString: strerror(error.errnoCode))
        }
    }
}

extension String {
    /// Whether this is the reason of a server that doesn't like what we showed it.
    fileprivate var isAlertOnCertificate: Bool {
        contains("ALERT") && (contains("CERTIFICATE") || contains("UNKNOWN_CA") || contains("HANDSHAKE_FAILURE"))
    }
}
