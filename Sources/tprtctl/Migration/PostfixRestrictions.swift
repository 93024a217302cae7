import FileCalls
import Glibc
import Import
import Programs
import Settings
import SystemPackage

/// Where Postfix asks a policy server, as postconf(1) prints its parameters.
struct PostfixRestrictions {
    /// A `check_policy_service` that asks the server whose place is to be taken.
    struct Use: Equatable {
        /// The parameter; of master.cf with its service before it.
        let parameter: String
        /// What stands there, such as `check_policy_service inet:127.0.0.1:10023`.
        let found: String
        /// What should stand there; the same where it is right already.
        let better: String
        /// Whether unknown recipients are refused before it.
        let refusesUnknownBefore: Bool
    }

    /// Where a server listens.
    enum Endpoint: Equatable {
        case inet(host: String, port: Int)
        case unix(path: String)
    }

    /// What is asked, with the attributes that Postfix is to have where its list names none.
    private static let attributes = ["timeout=10s", "default_action=DUNNO"]

    /// - Parameters:
    ///   - lines: what `postconf -n` and `postconf -P` print
    ///   - endpoint: where the server listens that is looked for
    ///   - replacement: where Postfix finds the new one; nil: in the same place
    ///   - queue: Postfix' directory, beneath which a relative path is
    static func uses(
        in lines: [String], of endpoint: Endpoint, by replacement: String?, queue: String
    ) -> [Use] {
        lines.flatMap { line -> [Use] in
            guard let equals = line.firstRange(of: " = ") ?? line.firstRange(of: " =") else { return [] }
            let parameter = String(line[..<equals.lowerBound])
            let tokens = tokens(of: line[equals.upperBound...])
            return tokens.indices.dropFirst().compactMap { index in
                guard tokens[index - 1] == "check_policy_service" else { return nil }
                let parts = parts(of: tokens[index])
                guard let name = parts.first, names(name, endpoint, queue) else { return nil }
                let missing = attributes.filter { attribute in
                    let key = attribute.prefix { $0 != "=" }
                    return !parts.contains { $0.hasPrefix("\(key)=") }
                }
                let better = ([replacement ?? name] + parts.dropFirst() + missing).joined(separator: ", ")
                let isRight = missing.isEmpty && replacement == nil
                return Use(
                    parameter: parameter, found: "check_policy_service \(tokens[index])",
                    better: "check_policy_service \(isRight ? tokens[index] : "{ \(better) }")",
                    refusesUnknownBefore: !parameter.hasSuffix("smtpd_recipient_restrictions")
                        || tokens[..<index].contains("reject_unlisted_recipient"))
            }
        }
    }

    /// The socket of the package, beneath Postfix' directory.
    private static let packageSocket = "unix:tprt/policy.sock"

    /// Where Postfix asks a server that listens as these settings say; nowhere, where there is no Postfix.
    static func uses(of server: Configuration.Server, in postconf: Postconf) throws(ProgramError) -> [Use] {
        guard Postconf.exists else { return [] }
        let isUnix = server.socketType == .unix
        let endpoint =
            isUnix
            ? Endpoint.unix(path: server.socketPath)
            : .inet(host: server.socketListenHost, port: server.socketListenPort)
        let queue = try postconf.lines("-h", "queue_directory").first ?? ""
        return try uses(
            in: postconf.lines("-n") + postconf.lines("-P"), of: endpoint, by: isUnix ? packageSocket : nil,
            queue: queue)
    }

    /// The words of a list of restrictions; what stands in braces is one.
    private static func tokens(of value: Substring) -> [String] {
        var tokens: [String] = []
        var (token, depth) = ("", 0)
        for character in value {
            if depth == 0, character == "," || character.isWhitespace {
                if !token.isEmpty { tokens.append(token) }
                token = ""
                continue
            }
            if character == "{" { depth += 1 }
            if character == "}" { depth -= 1 }
            token.append(character)
        }
        return token.isEmpty ? tokens : tokens + [token]
    }

    /// The endpoint of a `check_policy_service`, and its attributes.
    private static func parts(of token: String) -> [String] {
        guard token.hasPrefix("{"), token.hasSuffix("}") else { return [token] }
        return token.dropFirst().dropLast().split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    private static func names(_ name: String, _ endpoint: Endpoint, _ queue: String) -> Bool {
        switch endpoint {
        case .unix(let path):
            guard let named = rest(of: name, after: "unix:") else { return false }
            return named.hasPrefix("/") ? named == path : "\(queue)/\(named)" == path
        case .inet(let host, let port):
            guard let named = rest(of: name, after: "inet:") else { return false }
            let colon = named.lastIndex(of: ":")
            guard (colon.map { named[named.index(after: $0)...] } ?? named) == "\(port)" else { return false }
            let other = colon.map { named[..<$0].filter { $0 != "[" && $0 != "]" } } ?? "localhost"
            let own = ["localhost", "127.0.0.1", "::1", "::", "0.0.0.0"]
            return other == host || own.contains(other) && own.contains(host)
        }
    }

    private static func rest(of text: String, after start: String) -> Substring? {
        text.hasPrefix(start) ? text.dropFirst(start.count) : nil
    }
}

/// postconf(1), on this machine.
struct Postconf {
    private static let path = "/usr/sbin/postconf"

    /// Postfix' configuration directory; nil for its own.
    let directory: String?

    /// Whether there is a Postfix.
    static var exists: Bool { FileNames.exists(path) }

    /// What it prints; a failure of it ends the program.
    func lines(_ arguments: String...) throws(ProgramError) -> [String] {
        let place = directory.map { ["-c", $0] } ?? []
        let output = try ImportInput.nameless(in: "/var/tmp")
        defer { try? output.close() }
        let (status, text): (CInt, [UInt8])
        do throws(Errno) {
            status = try OtherProgram(Self.path, place + arguments).run(output: output, errors: .standardError)
            _ = try systemCall { try output.seek(offset: 0, from: .start) }
            text = try output.readToEnd(limit: 1 << 20)
        } catch {
            throw ProgramError(.unavailable, "\(Self.path): \(error)")
        }
        guard status == 0 else {
            throw ProgramError(
                .configuration, "\(Self.path) \(arguments.joined(separator: " ")): exit status \(status): see above")
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
