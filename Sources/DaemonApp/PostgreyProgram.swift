import FileCalls
import Glibc
import Programs
import Settings
import StoreURLs

/// postgrey's command line in front of the daemon, for sites that start postgrey by themselves.
public enum PostgreyProgram {
    private static let name = "tprt-postgrey"

    /// Runs it; what goes wrong at the start ends the process with a line and an exit status.
    ///
    /// - Parameter work: imports postgrey's database at the first start
    @MainActor
    public static func main(importing work: @escaping FirstImport.Work) async {
        await DaemonProgram.run(name) { (environment) throws(ProgramError) in
            try order(Array(CommandLine.arguments.dropFirst()), environment, work)
        }
    }

    private static func order(
        _ words: [String], _ environment: [String: String], _ work: @escaping FirstImport.Work
    ) throws(ProgramError) -> DaemonOrder? {
        let settings: PostgreySettings
        do throws(PostgreyCommandLine.ParseError) {
            let line = try PostgreyCommandLine(words)
            if line.has(.help) || line.has(.man) {
                print(help)
                return nil
            }
            if line.has(.version) {
                print("postgrey 1.37 (\(name) \(Release.version))")
                return nil
            }
            settings = try PostgreySettings(line, on: host(environment))
        } catch {
            throw ProgramError(.usage, error.message)
        }
        for warning in settings.warnings { ProgramError(.usage, "warning: \(warning)").say(name) }
        return DaemonOrder(
            action: .serve, sources: SettingSources(environment: environment, flags: settings.assignments),
            allowsRoot: false,
            firstImport: FirstImport(
                directory: settings.databaseDirectory, words: settings.importWords, work: work))
    }

    private static func host(_ environment: [String: String]) -> PostgreySettings.Host {
        let text = environment["POSTGREY_TEXT"].flatMap { $0.isEmpty ? nil : $0 }
        let isRoot = geteuid() == 0
        // Without a manager the home directory of the user that it becomes would count.
        let isNamed = environment["STATE_DIRECTORY"] != nil || environment["TPRT_SERVICE_GREY_DB"] != nil
        let database = isRoot && !isNamed ? "lmdb:///var/lib/tprt/tprt.lmdb" : nil
        let isSocketNamed = environment["TPRT_SERVER_CONTROL_SOCKET"] != nil
        return PostgreySettings.Host(
            isRoot: isRoot, text: text, listDirectory: "/etc/postgrey", copyDirectory: "/etc/tprt/postgrey",
            database: database, controlSocket: isSocketNamed ? nil : controlSocket(beside: database, environment),
            exists: { FileNames.exists($0) })
    }

    /// Where `tprtctl` finds the daemon: in systemd's directory for that, else beside the database.
    private static func controlSocket(beside database: String?, _ environment: [String: String]) -> String? {
        let state = StateDirectory(environment: environment)
        let url = database ?? environment["TPRT_SERVICE_GREY_DB"]
        let runtime = environment["RUNTIME_DIRECTORY"].map { String($0.prefix { $0 != ":" }) }
        let directory = runtime ?? url.flatMap { try? StoreLocation(url: state.expand($0)) }?.directory
        if directory == nil { state.make() }
        // One that isn't there keeps nobody's mail.
        return FileNames.exists(directory ?? state.path) ? "\(directory ?? state.path)/control.sock" : nil
    }

    static let help = """
        usage: tprt-postgrey --inet=[HOST:]PORT | --unix=PATH [OPTION...]

        tprtd, started as postgrey 1.37 is:

          -v, --verbose                  log more
          -q, --quiet                    log warnings and errors only
          -u, --unix=PATH                listen on a unix socket
              --socketmode=MODE          the mode of that socket (0666)
          -i, --inet=[HOST:]PORT         listen on a port of HOST (localhost)
          -d, --daemonize                go to the background
              --pidfile=PATH             the file for the process number, with --daemonize
              --user=USER, --group=GROUP whom to become (tprt)
              --dbdir=PATH               where postgrey keeps its database (/var/lib/postgrey)
              --delay=N                  seconds that a new sender waits (300)
              --max-age=N                days that an unused entry lives (35)
              --retry-window=N|Nh        days or hours that a retry is waited for (2)
              --greylist-action=A        the action of the reply (DEFER_IF_PERMIT)
              --greylist-text=TEXT       its text: %s is the seconds left, %r the recipient's domain
              --lookup-by-subnet         know clients by their network
              --lookup-by-host           know clients by their address
              --ipv4cidr=N, --ipv6cidr=N the length of that network (24, 64)
              --privacy                  keep digests in place of addresses (always done)
              --identity=WORD            name: know senders by the name of their host, too; spf: by SPF as well;
                                         off: by their network alone, as postgrey does (name)
              --hostname=NAME            the name of this host in the header
              --exim                     close a connection after its first reply
              --whitelist-clients=FILE, --whitelist-recipients=FILE
                                         the lists (in /etc/postgrey); may be given several times
              --auto-whitelist-clients[=N]
                                         passes after which a client doesn't wait any more (5; 0: never)
              --listen-queue-size=N      how many connections may wait to be accepted
              --x-greylist-header=TEXT   the header of mail that waited: %t is the delay, %h the host, %d the date
              --syslog-facility=NAME     the facility of the system's log (mail)
              --version, --help
        """
}
