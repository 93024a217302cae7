import Foundation
import TestSupport

/// A postgrey, that of Debian's package, which a test started.
final class Postgrey: Greylister {
    /// The lists that come with it.
    static let clients = "/usr/share/postgrey/whitelist_clients"
    static let recipients = "/usr/share/postgrey/whitelist_recipients"

    /// Starts it in a directory, with lists that are there; without options it counts no clients.
    init(
        in directory: String, clients: String, recipients: String, options: [String] = ["--auto-whitelist-clients=0"]
    ) throws {
        try super.init(
            "postgrey",
            [
                "/usr/sbin/postgrey", "--unix=\(directory)/postgrey.sock", "--dbdir=\(directory)",
                "--user=\(try Self.user())", "--group=\(try Self.group())", "--whitelist-clients=\(clients)",
                "--whitelist-recipients=\(recipients)", "--quiet",
            ] + options, at: .unix("\(directory)/postgrey.sock"))
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
}
