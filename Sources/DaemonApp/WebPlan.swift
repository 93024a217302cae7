import Glibc
import Server
import Settings
import Web

/// Where metrics and the page are to be served, and by which names.
struct WebPlan: Sendable, Equatable {
    /// Why settings name no such place.
    struct ParseError: Error, CustomStringConvertible {
        let description: String
    }

    /// Where to listen.
    let address: ListenAddress
    /// The host names by which it may be asked for, besides the usual ones.
    let hosts: [String]

    /// What these settings mean; nil where nothing is to be served.
    init?(_ server: Configuration.Server) throws(ParseError) {
        guard !server.httpListen.isEmpty else { return nil }
        do throws(ListenAddress.ParseError) {
            address = try ListenAddress(server.httpListen, mode: 0o660, group: "")
        } catch {
            throw ParseError(description: error.description)
        }
        if case .inet(let host, _) = address, !Self.isLoopback(host), !server.httpAllowRemote {
            throw ParseError(
                description: "\(address) is reached by other machines: use inet:127.0.0.1:10923 or unix:/path behind a "
                    + "proxy with TLS, or set server.http_allow_remote")
        }
        hosts = server.httpHosts
        for host in hosts where !WebOptions.isHost(host) {
            throw ParseError(description: "server.http_hosts: \"\(host)\" is not a host name without a port")
        }
    }

    /// Whether only this machine reaches that host.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        var ipv4 = in_addr()
        if inet_pton(AF_INET, host, &ipv4) == 1 { return UInt32(bigEndian: ipv4.s_addr) >> 24 == 127 }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, host, &ipv6) == 1 else { return false }
        return withUnsafeBytes(of: ipv6) { bytes in bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 }
    }
}
