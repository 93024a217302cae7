import TestSupport

/// Certificates and keys of one server, made by `openssl` on the spot: paths of PEM files.
public struct Certificates: Sendable {
    /// The authority that signed the server's certificate and the client's.
    public let authority: String
    /// The server's certificate, for the names it was made for.
    public let server: KeyPair
    /// A certificate that a client can show.
    public let client: KeyPair
    /// An authority that signed neither of them.
    public let foreignAuthority: String
    /// A client's certificate which the foreign authority signed.
    public let foreignClient: KeyPair

    /// A certificate and its key.
    public struct KeyPair: Sendable {
        /// The path of the certificate.
        public let certificate: String
        /// The path of the private key.
        public let key: String
    }

    /// Makes them in a directory; `names` are the server's, as in `DNS:localhost` and `IP:127.0.0.1`.
    static func make(in directory: TemporaryDirectory, names: [String]) async throws -> Certificates {
        try directory.write(settings(names: names), to: "openssl.cnf")
        async let own = make("ca", extensions: "authority", in: directory)
        async let foreign = make("foreign-ca", extensions: "authority", in: directory)
        let (authority, foreignAuthority) = try await (own, foreign)
        async let server = make("server", extensions: "server", signedBy: authority, in: directory)
        async let client = make("client", extensions: "client", signedBy: authority, in: directory)
        async let foreignClient = make(
            "foreign-client", extensions: "client", signedBy: foreignAuthority, in: directory)
        return Certificates(
            authority: authority.certificate, server: try await server, client: try await client,
            foreignAuthority: foreignAuthority.certificate, foreignClient: try await foreignClient)
    }

    private static func make(
        _ name: String, extensions: String, signedBy signer: KeyPair? = nil, in directory: TemporaryDirectory
    ) async throws -> KeyPair {
        let pair = KeyPair(certificate: directory.file("\(name).crt"), key: directory.file("\(name).key"))
        var command = ["openssl", "req", "-x509", "-config", directory.file("openssl.cnf"), "-extensions", extensions]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"]
        command += ["-days", "2", "-subj", "/CN=tprt test \(name)", "-keyout", pair.key, "-out", pair.certificate]
        if let signer {
            command += ["-CA", signer.certificate, "-CAkey", signer.key]
        }
        try await run(command)
        return pair
    }

    private static func settings(names: [String]) -> String {
        """
        [req]
        distinguished_name = subject
        prompt = no
        [subject]
        [authority]
        basicConstraints = critical, CA:true
        keyUsage = critical, keyCertSign, cRLSign
        subjectKeyIdentifier = hash
        [server]
        basicConstraints = critical, CA:false
        keyUsage = critical, digitalSignature
        extendedKeyUsage = serverAuth
        subjectAltName = \(names.joined(separator: ", "))
        [client]
        basicConstraints = critical, CA:false
        keyUsage = critical, digitalSignature
        extendedKeyUsage = clientAuth

        """
    }
}
