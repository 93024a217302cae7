import Foundation
import TestSupport

/// A greylistd, that of Debian's package, which a test started; it takes one command a connection.
final class Greylistd: Greylister {
    /// Starts it with its two files in the directory `data` below that one, which is there.
    ///
    /// A second attempt passes from the next second on.
    ///
    /// - Parameter passesClients: whether it lets a client pass whatever it sends once one message has passed
    init(in directory: String, passesClients: Bool = false) throws {
        let socket = "\(directory)/greylistd.sock"
        let text = """
            [timeouts]
            retryMin = 0
            [socket]
            path = \(socket)
            mode = 0660
            owner = \(try Self.user())
            [data]
            update = 3600
            statefile = \(directory)/data/states
            tripletfile = \(directory)/data/triplets
            savetriplets = true
            singlecheck = \(passesClients)
            singleupdate = \(passesClients)

            """
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/greylistd.conf"))
        try super.init(
            "greylistd", ["/usr/bin/python3", "/usr/sbin/greylistd", "\(directory)/greylistd.conf"], at: .unix(socket))
    }

    /// Gives it a command, and returns what it says.
    func command(_ text: String) throws -> String {
        let socket = try connected { try? StreamSocket(to: endpoint) }
        try socket.send(text)
        var answer: [UInt8] = []
        while true {
            guard let bytes = try socket.receive() else { throw TestError("\(text): greylistd doesn't answer") }
            guard !bytes.isEmpty else { return String(decoding: answer, as: UTF8.self) }
            answer += bytes
        }
    }

    /// Tells it of an attempt as Exim does, and returns its list, "white" or "grey".
    func update(_ request: PolicyRequest) throws -> String {
        try command(
            ["update", request.clientAddress, request.sender, request.recipient].filter { !$0.isEmpty }
                .joined(separator: " "))
    }

    /// Changes the times in its files while it doesn't run.
    ///
    /// `times` has the section of an entry (white, grey or black) and the last word of its triplet, its recipient where
    /// it has one, and gives new times; nil leaves it as it is.
    static func change(
        _ directory: String, _ times: (_ section: Substring, _ recipient: Substring) -> (first: Int, last: Int)?
    ) throws {
        func lines(_ name: String) throws -> [Substring] {
            try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8).split(separator: "\n")
        }
        // `hash = client sender recipient`
        let recipients = Dictionary(
            uniqueKeysWithValues: try lines("triplets").map { line in
                let words = line.split(separator: " ")
                return (words[0], words[words.count - 1])
            })
        var section = Substring()
        let changed = try lines("states").map { line in
            if line.first == "[" { section = line.dropFirst().dropLast() }
            // `hash = last first count`
            let words = line.split(separator: " ")
            guard words.count == 5, let recipient = recipients[words[0]], let times = times(section, recipient)
            else { return String(line) }
            return "\(words[0]) = \(times.last) \(times.first) \(words[4])"
        }
        try Data(changed.joined(separator: "\n").utf8).write(to: URL(filePath: "\(directory)/states"))
    }
}
