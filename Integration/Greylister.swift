import Foundation
import TestSupport

/// Another greylister, the program of Debian's package, which a test started.
class Greylister {
    /// Where it answers.
    let endpoint: Endpoint
    private let name: String
    private let process: ChildProcess
    private let output: LineReader

    /// Starts a program that is going to answer there.
    init(_ name: String, _ command: [String], at endpoint: Endpoint) throws {
        (self.name, self.endpoint) = (name, endpoint)
        let output = try LineReader()
        self.output = output
        defer { close(output.writeEnd) }
        process = try ChildProcess.start(command, output: output.writeEnd, errors: output.writeEnd)
        output.start()
    }

    /// A connection, as soon as it accepts one.
    func client() throws -> PolicyClient {
        try connected { try? PolicyClient(to: endpoint) }
    }

    /// What comes of connecting, as soon as something does.
    func connected<Connection>(_ connect: () -> Connection?) throws -> Connection {
        try eventually("\(name) accepts connections") {
            if let ending = process.poll() {
                throw TestError("\(name) ended: \(ending)\n\(output.lines.joined(separator: "\n"))")
            }
            return connect()
        }
    }

    /// Asks it; throws with what it said last where it doesn't answer.
    func ask(_ client: PolicyClient, _ request: PolicyRequest, _ which: String) throws -> PolicyReply {
        do {
            return try client.ask(request)
        } catch {
            let said = output.lines.suffix(5).joined(separator: "\n")
            throw TestError("\(which): \(request): \(error)\n\(name): \(said)")
        }
    }

    func end() {
        process.end()
    }

    /// Ends it in good order: its database is closed.
    ///
    /// A signal that comes while it isn't waiting is lost to it.
    func terminate() throws {
        _ = try eventually("\(name) ends", every: 1) {
            if process.poll() == nil { try process.signal(SIGTERM) }
            return process.poll()
        }
    }

    /// The name of the user that runs the tests.
    static func user() throws -> String {
        guard let entry = getpwuid(geteuid()) else { throw TestError.system("getpwuid") }
        return String(cString: entry.pointee.pw_name)
    }

    /// The name of that user's group.
    static func group() throws -> String {
        guard let entry = getgrgid(getegid()) else { throw TestError.system("getgrgid") }
        return String(cString: entry.pointee.gr_name)
    }
}
