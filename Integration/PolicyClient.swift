import Foundation
import TestSupport

/// A request as Postfix 3.7 sends it at RCPT.
struct PolicyRequest {
    var clientAddress = "198.51.100.7"
    var clientName = "relay7.sender.example"
    var sender: String
    var recipient = "user@test.invalid"
    var queueID = ""
    var instance = "1.2.3"
    /// The moment that postgrey takes for now, in Unix seconds; nil for its own clock.
    var testTime: Int?

    /// The bytes on the wire, with the empty line.
    var bytes: [UInt8] {
        let attributes = [
            ("request", "smtpd_access_policy"), ("protocol_state", "RCPT"), ("protocol_name", "ESMTP"),
            ("client_address", clientAddress), ("client_name", clientName), ("client_port", "49152"),
            ("reverse_client_name", clientName), ("server_address", "127.0.0.1"), ("server_port", "25"),
            ("helo_name", clientName), ("sender", sender), ("recipient", recipient), ("recipient_count", "0"),
            ("queue_id", queueID), ("instance", instance), ("size", "0"), ("etrn_domain", ""), ("stress", ""),
            ("sasl_method", ""), ("sasl_username", ""), ("sasl_sender", ""), ("ccert_subject", ""),
            ("ccert_issuer", ""), ("ccert_fingerprint", ""), ("ccert_pubkey_fingerprint", ""),
            ("encryption_protocol", ""), ("encryption_cipher", ""), ("encryption_keysize", "0"), ("policy_context", ""),
        ]
        let more = testTime.map { [("policy_test_time", "\($0)")] } ?? []
        return Array(((attributes + more).map { "\($0)=\($1)\n" }.joined() + "\n").utf8)
    }

    /// The numbered request of a series in which no two share a network, a sender or a recipient.
    static func numbered(_ number: Int, series: String = "s") -> PolicyRequest {
        PolicyRequest(
            clientAddress: "10.\(number >> 8 & 0xff).\(number & 0xff).\(number >> 16 & 0x7f)",
            sender: "\(series)\(number)@sender.example",
            recipient: "r\(number)@test.invalid"
        )
    }
}

/// The text after `action=` of one reply.
struct PolicyReply: Equatable, CustomStringConvertible {
    let description: String

    /// Goes on to the next restriction: the mail passes as far as we are concerned.
    var passes: Bool { description == "DUNNO" || addsHeader }

    var addsHeader: Bool { description.hasPrefix("PREPEND X-Greylist: ") }

    var isGreylisted: Bool { description.hasPrefix("DEFER_IF_PERMIT Greylisted") }

    /// The number of seconds in the text: those still to wait, where it is greylisted.
    var seconds: Int? {
        description.split(separator: " ").lazy.compactMap { Int($0) }.first
    }
}

/// A client of the policy socket that says just what it is told.
final class PolicyClient {
    let socket: StreamSocket
    private var received: [UInt8] = []

    init(to endpoint: Endpoint, timeout: TimeInterval = patience) throws {
        socket = try StreamSocket(to: endpoint, timeout: timeout)
    }

    func close() {
        socket.close()
    }

    func send(_ request: PolicyRequest) throws {
        try socket.send(request.bytes)
    }

    /// The next reply, or nil when the time is up.
    ///
    /// Throws when the connection ends before it.
    func reply() throws -> PolicyReply? {
        while true {
            if let reply = try takeReply() {
                return reply
            }
            guard let bytes = try socket.receive() else { return nil }
            guard !bytes.isEmpty else { throw TestError("the server closed the connection without a reply") }
            received += bytes
        }
    }

    /// Sends a request and returns its reply, the only thing that may come.
    func ask(_ request: PolicyRequest) throws -> PolicyReply {
        try send(request)
        guard let reply = try reply() else { throw TestError("no reply in time") }
        guard received.isEmpty else { throw TestError("more than one reply: \(text(received[...]))") }
        return reply
    }

    /// Waits for the end of the stream and returns what came before it.
    func readToEnd() throws -> String {
        while true {
            guard let bytes = try socket.receive() else { throw TestError("the server keeps the connection open") }
            if bytes.isEmpty {
                return text(received[...])
            }
            received += bytes
        }
    }

    /// Exactly `action=TEXT`, a line feed, an empty line.
    private func takeReply() throws -> PolicyReply? {
        guard let end = zip(received, received.dropFirst()).enumerated().first(where: { $1 == (0x0a, 0x0a) })?.offset
        else { return nil }
        let line = text(received[..<end])
        received.removeFirst(end + 2)
        guard line.hasPrefix("action="), line.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw TestError("not a reply: \(line.debugDescription)")
        }
        return PolicyReply(description: String(line.dropFirst("action=".count)))
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
