import Foundation

/// Runs the real greylisters that Debian has.
struct Program {
    struct Failure: Error {
        let message: String
    }

    private let id: pid_t

    /// Starts a program; what it says goes into a file.
    ///
    /// It gets no signal mask of ours: threads of the tests block the signal that is to end it.
    init(_ command: [String], in folder: TemporaryFolder) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        let output = folder.file("output-\(UUID().uuidString)")
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        // The kernel ends it if the tests crash.
        let command = ["/usr/bin/setpriv", "--pdeathsig", "KILL"] + command
        let arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        let variables = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]
        let environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var id = pid_t()
        let code = posix_spawn(&id, command[0], &actions, &attributes, arguments, environment)
        guard code == 0 else { throw Failure(message: "\(command) can't be started: \(code)") }
        self.id = id
    }

    /// Ends it, and waits until it has ended.
    ///
    /// It is asked again and again: Net::Server overlooks a signal that comes just before it waits for requests.
    func end() {
        var status: Int32 = 0
        for round in 0..<200 {
            kill(id, round < 100 ? SIGTERM : SIGKILL)
            guard waitpid(id, &status, WNOHANG) == 0 else { return }
            usleep(50_000)
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
