import Foundation
import TestSupport

/// A postgrey, that of Debian's package, which a test started.
final class Postgrey {
    /// The lists that come with it.
    static let clients = "/usr/share/postgrey/whitelist_clients"
    static let recipients = "/usr/share/postgrey/whitelist_recipients"

    private let process: ChildProcess
    private let endpoint: Endpoint
    private let output: LineReader

    /// Starts it in a directory, with lists that are there; without options it counts no clients.
    init(
        in directory: String, clients: String, recipients: String, options: [String] = ["--auto-whitelist-clients=0"]
    ) throws {
        endpoint = .unix("\(directory)/postgrey.sock")
        let output = try LineReader()
        self.output = output
        defer { close(output.writeEnd) }
        process = try ChildProcess.start(
            [
                "/usr/sbin/postgrey", "--unix=\(directory)/postgrey.sock", "--dbdir=\(directory)",
                "--user=\(try Self.name(geteuid()))",
                "--group=\(try Self.group(getegid()))", "--whitelist-clients=\(clients)",
                "--whitelist-recipients=\(recipients)", "--quiet",
            ] + options, output: output.writeEnd, errors: output.writeEnd)
        output.start()
    }

    /// A connection, as soon as it accepts one.
    func client() throws -> PolicyClient {
        try eventually("postgrey accepts connections") {
            if let ending = process.poll() {
                throw TestError("postgrey ended: \(ending)\n\(output.lines.joined(separator: "\n"))")
            }
            return try? PolicyClient(to: endpoint)
        }
    }

    /// Asks it; throws with what it said last where it doesn't answer.
    func ask(_ client: PolicyClient, _ request: PolicyRequest, _ which: String) throws -> PolicyReply {
        do {
            return try client.ask(request)
        } catch {
            let said = output.lines.suffix(5).joined(separator: "\n")
            throw TestError("\(which): \(request): \(error)\npostgrey: \(said)")
        }
    }

    func end() {
        process.end()
    }

    /// Ends it in good order: its database is closed.
    ///
    /// A signal that comes while it isn't waiting is lost to it.
    func terminate() throws {
        _ = try eventually("postgrey ends", every: 1) {
            if process.poll() == nil { try process.signal(SIGTERM) }
            return process.poll()
        }
    }

    /// How many entries postgrey's own readers make of the lists: of clients, and of recipients.
    static func count(clients: String, recipients: String) throws -> (clients: Int, recipients: Int) {
        // The program as it is, but that it doesn't begin to serve.
        let script = """
            open(my $file, '<', '/usr/sbin/postgrey') or die $!;
            my $text = do { local $/; <$file> };
            $text =~ s/^main;$//m or die 'its last line is another one';
            $text =~ s/^__END__$.*//ms;
            eval "$text; 1" or die $@;
            my $server = bless { postgrey => {
                whitelist_clients_files => [$ARGV[0]], whitelist_recipients_files => [$ARGV[1]] } }, 'postgrey';
            $server->read_clients_whitelists();
            $server->read_recipients_whitelists();
            my $lists = $server->{postgrey};
            print @{$lists->{whitelist_clients}} + @{$lists->{whitelist_ips}}, ' ',
                scalar @{$lists->{whitelist_recipients}}, "\\n";
            """
        let printed = try run(["perl", "-e", script, clients, recipients])
        let numbers = printed.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard numbers.count == 2 else { throw TestError("postgrey's readers: \(printed)") }
        return (numbers[0], numbers[1])
    }

    private static func name(_ user: uid_t) throws -> String {
        guard let entry = getpwuid(user) else { throw TestError.system("getpwuid") }
        return String(cString: entry.pointee.pw_name)
    }

    private static func group(_ group: gid_t) throws -> String {
        guard let entry = getgrgid(group) else { throw TestError.system("getgrgid") }
        return String(cString: entry.pointee.gr_name)
    }
}
