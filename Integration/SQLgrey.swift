import Foundation
import TestSupport

/// A sqlgrey, that of Debian's package, which a test started; it answers a policy client over TCP.
final class SQLgrey: Greylister {
    /// Its SQLite file in a directory.
    static func database(in directory: String) -> String { "\(directory)/sqlgrey.db" }

    /// Starts it in a directory, with Debian's patterns and without whitelists.
    ///
    /// It has the usual settings, but that the second attempt passes from the next second on.
    init(in directory: String) throws {
        let settings = "\(directory)/etc"
        try FileManager.default.createDirectory(atPath: settings, withIntermediateDirectories: true)
        for name in ["dyn_fqdn.regexp", "smtp_server.regexp", "discrimination.regexp"] {
            try Data(contentsOf: URL(filePath: "/etc/sqlgrey/\(name)")).write(to: URL(filePath: "\(settings)/\(name)"))
        }
        for name in ["clients_ip_whitelist", "clients_fqdn_whitelist"] {
            try Data().write(to: URL(filePath: "\(settings)/\(name)"))
        }
        let port = try Ports.free()
        let text = """
            conf_dir = \(settings)
            user = \(try Self.user())
            group = \(try Self.group())
            inet = 127.0.0.1:\(port)
            reconnect_delay = 0
            db_type = SQLite
            db_name = \(Self.database(in: directory))
            admin_mail = ''

            """
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/sqlgrey.conf"))
        try super.init("sqlgrey", ["/usr/sbin/sqlgrey", "-f", "\(directory)/sqlgrey.conf"], at: .inet(port))
    }

    /// Has statements of SQL change its file while it doesn't run.
    static func change(_ directory: String, _ statements: [String]) throws {
        let script = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1], isolation_level=None)
            for statement in sys.argv[2:]:
                database.execute(statement)
            """
        try run(["/usr/bin/python3", "-c", script, database(in: directory)] + statements)
    }
}
