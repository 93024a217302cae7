import Foundation

/// Runs the real greylisters that Debian has.
struct Program {
    struct Failure: Error {
        let message: String
    }

    private let process = Process()
    private let log: TemporaryFolder

    /// Starts a program; what it says goes into a file.
    init(_ command: [String], in folder: TemporaryFolder) throws {
        log = folder
        let path = folder.file("output-\(UUID().uuidString)")
        try Data().write(to: URL(filePath: path))
        let output = try FileHandle(forWritingTo: URL(filePath: path))
        // The kernel ends it if the tests crash.
        process.executableURL = URL(filePath: "/usr/bin/setpriv")
        process.arguments = ["--pdeathsig", "KILL"] + command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]
        try process.run()
    }

    /// Ends it, and waits until it has ended.
    func end() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Runs one to its end.
    static func run(_ command: String..., in folder: TemporaryFolder) throws {
        let program = try Program(command, in: folder)
        program.process.waitUntilExit()
        guard program.process.terminationStatus == 0 else {
            throw Failure(message: "\(command) ended with status \(program.process.terminationStatus)")
        }
    }

    /// Sends a text to a socket of the program, which may take a while to be there, and returns what comes back up to its
    /// end, or up to the end of an answer of a policy server.
    static func ask(_ socket: String, _ text: String, isPolicy: Bool) async throws -> String {
        for _ in 0..<200 {
            if let descriptor = connect(to: socket) {
                defer { close(descriptor) }
                return answer(on: descriptor, to: text, isPolicy: isPolicy)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(message: "nothing listens on \(socket)")
    }

    private static func connect(to path: String) -> Int32? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if status == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    private static func answer(on descriptor: Int32, to text: String, isPolicy: Bool) -> String {
        let bytes = Array(text.utf8)
        var answer = ""
        guard write(descriptor, bytes, bytes.count) == bytes.count else { return answer }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return answer }
            answer += String(decoding: buffer[..<count], as: UTF8.self)
            if isPolicy, answer.hasSuffix("\n\n") { return answer }
        }
    }

    /// A request as Postfix makes it.
    static func request(client: String, name: String = "unknown", sender: String, recipient: String) -> String {
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
        instance=\(UInt32.random(in: 0 ... .max)).0


        """
    }
}
