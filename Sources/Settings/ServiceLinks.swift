import Bytes

/// The variables that a container's manager sets for each service it knows, in the manner of Docker's links.
///
/// Kubernetes sets them in every pod for every Service of its namespace, unless `enableServiceLinks` is false there: for a
/// Service called `tprt` they all begin with `TPRT_`, and with `TPRT_INET_` for `tprt-inet`. They are no settings.
///
/// - `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT`, `NAME_SERVICE_PORT_` and the name of a port
/// - `NAME_PORT`, `NAME_PORT_10023_TCP`: an address such as `tcp://10.0.0.1:10023`; behind the latter `_PROTO`, `_PORT`, `_ADDR`
/// - Docker's own also have `NAME_NAME` and `NAME_ENV_` with more behind it
///
/// A name alone says nothing, since a setting may be mistyped in such a way: it takes a value that belongs to it, and the
/// variables that a manager always sets together.
struct ServiceLinks {
    /// The beginnings of the names, such as `TPRT`.
    private let services: [String]
    private let environment: [String: String]

    init(in environment: [String: String]) {
        self.environment = environment
        services = environment.compactMap { name, value in
            if let service = name.without("_SERVICE_HOST"), isAddress(value),
                let port = environment[service + "_SERVICE_PORT"], isPort(port)
            {
                return service
            }
            if let service = name.without("_PORT"), let end = Endpoint(value),
                environment["\(service)_PORT_\(end.port)_\(end.transport.uppercased())"] == value
            {
                return service
            }
            return nil
        }.sorted()
    }

    /// Whether a variable is one of them.
    func contain(_ name: String) -> Bool {
        guard let value = environment[name] else { return false }
        return services.contains { service in
            guard name.hasPrefix(service + "_") else { return false }
            return Self.belongs(name.dropFirst(service.count + 1), value)
        }
    }

    /// Whether such a name without its service's beginning may have such a value.
    private static func belongs(_ name: Substring, _ value: String) -> Bool {
        switch name {
        case "SERVICE_HOST": return isAddress(value)
        case "SERVICE_PORT": return isPort(value)
        case "PORT": return Endpoint(value) != nil
        case "NAME": return value.hasPrefix("/")
        default: break
        }
        if name.hasPrefix("SERVICE_PORT_") { return isPort(value) }
        if name.hasPrefix("ENV_") { return true }
        // PORT, its number, its protocol, and what of it.
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        guard (3...4).contains(words.count), words[0] == "PORT", isPort(String(words[1])),
            Endpoint.transports.contains(words[2].lowercased())
        else { return false }
        guard words.count == 4 else { return Endpoint(value) != nil }
        switch words[3] {
        case "PROTO": return Endpoint.transports.contains(value)
        case "PORT": return isPort(value)
        case "ADDR": return isAddress(value)
        default: return false
        }
    }

    /// An address such as `tcp://10.0.0.1:10023` or `udp://[fd00::1]:53`.
    private struct Endpoint {
        static let transports: Set<String> = ["tcp", "udp", "sctp"]

        let transport: String
        let port: String

        init?(_ text: String) {
            guard let mark = text.firstIndex(of: ":"), text[mark...].hasPrefix("://"),
                Self.transports.contains(String(text[..<mark])), let colon = text.lastIndex(of: ":"), colon > mark
            else { return nil }
            transport = String(text[..<mark])
            port = String(text[text.index(after: colon)...])
            var host = text[text.index(mark, offsetBy: 3)..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard isPort(port), isAddress(String(host)) else { return nil }
        }
    }
}

extension String {
    /// The beginning before that end; nil where it doesn't end so or isn't one of ours.
    fileprivate func without(_ end: String) -> String? {
        guard hasPrefix("TPRT_"), hasSuffix(end) else { return nil }
        return String(dropLast(end.count))
    }
}

private func isPort(_ text: String) -> Bool {
    UInt16(text).map { $0 > 0 } ?? false
}

/// Whether it looks like an IP address: digits and dots, or hexadecimal digits with a colon.
private func isAddress(_ text: String) -> Bool {
    let bytes = text.utf8
    if bytes.contains(UInt8(ascii: ":")) {
        return bytes.allSatisfy { $0.isHexadecimal || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
    }
    return bytes.count { $0 == UInt8(ascii: ".") } == 3
        && bytes.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
}

/// What the environment says, in the order of its names, what is wrong with it, and what was left alone.
///
/// Only names that begin with `TPRT_` are ours, and all of those must be settings, but for what a container's manager sets
/// for a service that is called so.
func environmentAssignments(
    _ environment: [String: String]
) -> (found: [Assignment], errors: [SettingError], warnings: [String]) {
    let keys = Dictionary(
        Configuration.fields.map { ($0.environmentName, $0.key) }, uniquingKeysWith: { first, _ in first })
    let links = ServiceLinks(in: environment)
    var found: [Assignment] = []
    var errors: [SettingError] = []
    var foreign: [String] = []
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("TPRT_") {
        let origin = Origin.environment(name: name)
        if links.contain(name) {
            foreign.append(name)
        } else if let key = keys[name] {
            found.append(Assignment(key: key, input: .text(value), origin: origin))
        } else {
            let remedy =
                suggestion(for: name, among: Configuration.fields.map(\.environmentName)) ?? advice(on: name)
            errors.append(SettingError(origin: origin, message: "no such setting", remedy: remedy))
        }
    }
    return (found, errors, foreign.isEmpty ? [] : [ignored(foreign)])
}

/// The sentence on variables that are left alone.
private func ignored(_ names: [String]) -> String {
    let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    return "environment: \(shown): ignored, set by Kubernetes or Docker for a service of that name "
        + "(enableServiceLinks: false in the pod's specification keeps them out)"
}

/// What is meant by a variable such as `TPRT_SERVICE_DELAY`; nil where that can't be told.
private func advice(on name: String) -> String? {
    let parts = name.lowercased().split(separator: "_", maxSplits: 2).map(String.init)
    guard parts.count == 3, let key = meantSetting(by: "\(parts[1]).\(parts[2])") else { return nil }
    return Configuration.field(key).map { "did you mean \($0.environmentName)?" }
}
