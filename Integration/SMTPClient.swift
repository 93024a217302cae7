import Foundation
import TestSupport

/// An SMTP dialogue, one command and its answer at a time.
final class SMTPClient {
    /// The mail server that the client poses as, by XCLIENT.
    struct Origin {
        var address = "198.51.100.7"
        var name = "relay7.sender.example"
    }

    /// The answer to one command.
    struct Answer: CustomStringConvertible {
        let code: Int
        let description: String

        var isGreylisting: Bool { code == 450 && description.contains("Greylisted") }
    }

    private let socket: StreamSocket
    private var received: [UInt8] = []

    /// Connects and greets as `origin`; where that is nil, as what it is, a client on this machine.
    init(port: UInt16, as origin: Origin?) throws {
        socket = try StreamSocket(to: .inet(port))
        try expect(220, try answer())
        try expect(250, try command("EHLO harness.test"))
        guard let origin else { return }
        try expect(220, try command("XCLIENT ADDR=\(origin.address) NAME=\(origin.name)"))
        try expect(250, try command("EHLO \(origin.name)"))
    }

    /// Sends a line and returns its answer.
    func command(_ line: String) throws -> Answer {
        try socket.send(line + "\r\n")
        return try answer()
    }

    /// Logs in by AUTH PLAIN (RFC 4616).
    func logIn(as user: String, password: String) throws -> Answer {
        try command("AUTH PLAIN " + Data("\0\(user)\0\(password)".utf8).base64EncodedString())
    }

    /// Gives the sender and the recipients and returns the answer for each recipient.
    ///
    /// Addresses are without angle brackets; the sender of a bounce is empty.
    func envelope(from sender: String, to recipients: [String]) throws -> [Answer] {
        try expect(250, try command("MAIL FROM:<\(sender)>"))
        return try recipients.map { try command("RCPT TO:<\($0)>") }
    }

    /// Gives the sender and a recipient, and doesn't wait for what is said of the recipient: `answer()` does.
    func begin(from sender: String, to recipient: String) throws {
        try expect(250, try command("MAIL FROM:<\(sender)>"))
        try socket.send("RCPT TO:<\(recipient)>\r\n")
    }

    /// The message for the envelope given, and its answer.
    func message(subject: String) throws -> Answer {
        try expect(354, try command("DATA"))
        return try command("From: <from@sender.example>\r\nSubject: \(subject)\r\n\r\nText.\r\n.")
    }

    /// Forgets the envelope.
    func reset() throws {
        try expect(250, try command("RSET"))
    }

    func quit() throws {
        try expect(221, try command("QUIT"))
        socket.close()
    }

    private func expect(_ code: Int, _ answer: Answer) throws {
        guard answer.code == code else { throw TestError("\(code) expected: \(answer)") }
    }

    /// The lines of one answer: `250-text`, at last `250 text`.
    func answer() throws -> Answer {
        var lines: [String] = []
        while true {
            let line = try line()
            lines.append(line)
            guard line.count >= 3, let code = Int(line.prefix(3)) else { throw TestError("not SMTP: \(line)") }
            if line.dropFirst(3).first != "-" {
                return Answer(code: code, description: lines.joined(separator: "\n"))
            }
        }
    }

    private func line() throws -> String {
        while true {
            if let end = received.firstIndex(of: 0x0a) {
                let line = String(decoding: received[..<end].filter { $0 != 0x0d }, as: UTF8.self)
                received.removeSubrange(...end)
                return line
            }
            guard let bytes = try socket.receive() else { throw TestError("Postfix does not answer") }
            guard !bytes.isEmpty else { throw TestError("Postfix closed the connection") }
            received += bytes
        }
    }
}
