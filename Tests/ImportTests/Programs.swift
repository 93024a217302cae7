import Foundation
import TestSupport

/// Runs the real postgrey that Debian has.
struct Program {
    private let process: ChildProcess

    /// Starts a program.
    init(_ command: [String]) async throws {
        process = try await ChildProcess.start(command, variables: ["LC_ALL": "C"])
    }

    /// Ends it, and waits until it has ended.
    ///
    /// It is asked again and again: Net::Server overlooks a signal that comes just before it waits for requests.
    func end() async throws {
        try await waitUntil("the program ends", every: .milliseconds(50)) {
            try process.signal(SIGTERM)
            return process.poll() != nil
        }
    }

    /// Sends a text to a socket of the program, which may take a while to be there, and returns the answer.
    static func ask(_ socket: String, _ text: String) async throws -> String {
        let descriptor = try await eventually("\(socket) is listened to", within: .seconds(60)) {
            connect(to: .unix(socket))
        }
        defer { close(descriptor) }
        return answer(on: descriptor, to: text)
    }

    private static func connect(to endpoint: Endpoint) -> Int32? {
        guard let descriptor = try? endpoint.makeSocket() else { return nil }
        if (try? endpoint.withAddress { Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    private static func answer(on descriptor: Int32, to text: String) -> String {
        let bytes = Array(text.utf8)
        var answer = ""
        guard write(descriptor, bytes, bytes.count) == bytes.count else { return answer }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return answer }
            answer += String(decoding: buffer[..<count], as: UTF8.self)
            if answer.hasSuffix("\n\n") { return answer }
        }
    }

    /// A request as Postfix makes it.
    ///
    /// - Parameter time: what postgrey is to take for the time of day; nil for the real one
    static func request(
        client: String, name: String = "unknown", sender: String, recipient: String, time: Int64? = nil
    ) -> String {
        """
        request=smtpd_access_policy
        protocol_state=RCPT
        protocol_name=ESMTP
        client_address=\(client)
        client_name=\(name)
        reverse_client_name=\(name)
        helo_name=mx.example.net
        sender=\(sender)
        recipient=\(recipient)
        instance=\(UInt32.random(in: 0 ... .max)).0\(time.map { "\npolicy_test_time=\($0)" } ?? "")


        """
    }
}
