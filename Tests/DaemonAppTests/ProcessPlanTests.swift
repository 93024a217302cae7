import Programs
import Settings
import Testing

@testable import DaemonApp

@Suite("What the process becomes")
struct ProcessPlanTests {
    private static let user = Starter(uid: 1000, gid: 1000)
    private static let accounts = Accounts(
        user: { name in
            switch name {
            case "root": Identity(user: name, uid: 0, gid: 0, home: "/root")
            case "tprt": Identity(user: name, uid: 1000, gid: 1000, home: "/usr")
            case "nobody": Identity(user: name, uid: 65_534, gid: 65_534, home: "/nonexistent")
            default: nil
            }
        },
        group: { ["postfix": 115, "tprt": 1000][$0] })

    private func plan(_ settings: [String], by starter: Starter, allowsRoot: Bool = false) throws -> ProcessPlan {
        try ProcessPlan(
            load(settings.map { "server.\($0)" }), by: starter, allowsRoot: allowsRoot, accounts: Self.accounts)
    }

    @Test("root becomes the user, with the user's own group or the one that is named")
    func becomes() throws {
        let own = try plan(["user=tprt"], by: .root)
        #expect(own.identity == Identity(user: "tprt", uid: 1000, gid: 1000, home: "/usr"))
        #expect(own.chroot == nil && own.pidFile == nil && !own.daemonizes)
        #expect(try plan(["user=tprt", "group=postfix"], by: .root).identity?.gid == 115)
        #expect(try plan(["user=tprt"], by: .root, allowsRoot: true).identity?.uid == 1000)
    }

    @Test("whoever is that user already stays it; root stays root only where that is allowed")
    func stays() throws {
        #expect(try plan([], by: Self.user).identity == nil)
        #expect(try plan(["user=tprt"], by: Self.user).identity == nil)
        #expect(try plan(["user=tprt", "group=tprt"], by: Self.user).identity == nil)
        #expect(try plan([], by: .root, allowsRoot: true).identity == nil)
        #expect(try plan(["user=root"], by: .root, allowsRoot: true).identity == nil)
    }

    @Test("a chroot is the directory that is named, or the home of the user")
    func chroot() throws {
        #expect(try plan(["user=tprt", "chroot=true"], by: .root).chroot?.path == "/usr")
        #expect(try plan(["user=tprt", "chroot=true", "chroot_dir=/etc//"], by: .root).chroot?.path == "/etc")
        #expect(try plan(["user=tprt", "chroot_dir=/etc"], by: .root).chroot == nil)
    }

    /// What is refused, of whom, and how.
    struct Refusal: Sendable {
        let settings: [String]
        let starter: Starter
        let status: Programs.ExitStatus
        let message: String

        init(_ settings: String, by starter: Starter, _ status: Programs.ExitStatus, _ message: String) {
            self.settings = settings.split(separator: " ").map(String.init)
            self.starter = starter
            self.status = status
            self.message = message
        }
    }

    private static let refusals: [Refusal] = [
        Refusal("", by: .root, .configuration, "default: server.user: it would run as root"),
        Refusal("user=root", by: .root, .configuration, "-i: server.user: root is root"),
        Refusal("user=no", by: .root, .configuration, "-i: server.user: unknown user \"no\""),
        Refusal("user=no", by: user, .configuration, "-i: server.user: unknown user \"no\""),
        Refusal("user=nobody", by: user, .noPermission, "-i: server.user: only root can become nobody"),
        Refusal("user=tprt group=postfix", by: user, .noPermission, "-i: server.user: only root can become tprt"),
        Refusal("user=tprt group=no", by: .root, .configuration, "-i: server.group: unknown group \"no\""),
        Refusal("group=postfix", by: user, .configuration, "-i: server.group: a group is changed only together"),
        Refusal("chroot=true", by: user, .configuration, "-i: server.chroot: a chroot needs dropped privileges"),
        Refusal("user=tprt chroot=true", by: user, .noPermission, "-i: server.chroot: only root can make a chroot"),
        Refusal("user=nobody chroot=true", by: .root, .configuration, "/nonexistent: directory does not exist"),
        Refusal("user=tprt chroot=true chroot_dir=/", by: .root, .configuration, "\"/\" is not an absolute path"),
        Refusal("user=tprt chroot=true chroot_dir=/a/../b", by: .root, .configuration, "set server.chroot_dir"),
        Refusal(
            "user=tprt pid_file_path=p", by: .root, .configuration, "-i: server.pid_file_path: \"p\" is not an absolute"
        ),
    ]

    @Test("what can't be is refused, with the setting, the remedy and the status", arguments: refusals)
    func refused(_ refusal: Refusal) throws {
        let failure = try #require(throws: ProgramError.self) { try plan(refusal.settings, by: refusal.starter) }
        #expect(failure.status == refusal.status)
        #expect(failure.messages.contains { $0.contains(refusal.message) }, "\(failure.messages)")
        #expect(failure.messages.allSatisfy { !$0.contains("\n") })
    }

    @Test("everything that is wrong is said at once")
    func all() throws {
        let failure = try #require(throws: ProgramError.self) {
            try plan(["user=no", "group=none", "chroot=true", "pid_file_path=p"], by: .root)
        }
        #expect(failure.messages.count == 4)
    }

    @Test("databases and sockets must be beneath the chroot")
    func unreachable() throws {
        let settings = [
            "server.user=tprt", "server.chroot=true", "service.awl_client_count=5",
            "service.grey_db=lmdb:///usr/tprt.lmdb", "service.awl_db=gdbm:///var/awl",
            #"service.wl_sources=["redis-unix:///run/r.sock", "file:///etc/w.json", "redis://h/1"]"#,
        ]
        let loaded = try load(settings)
        let process = try ProcessPlan(loaded, by: .root, allowsRoot: false, accounts: Self.accounts)
        let plan = try Plan(loaded, environment: [:])
        let messages = process.unreachable(loaded, plan)
        #expect(messages.count == 2)
        #expect(messages.first?.hasPrefix("-i: service.awl_db: /var/awl can't be reached") == true)
        #expect(messages.last?.hasPrefix("-i: service.wl_sources: /run/r.sock can't be reached") == true)
        let identities = try load(settings + ["service.identity_db=lmdb:///var/identities"])
        let more = process.unreachable(identities, try Plan(identities, environment: [:]))
        #expect(more.count == 3)
        #expect(more.contains { $0.hasPrefix("-i: service.identity_db: /var/identities can't be reached") })
    }

    @Test("state directories are those of whom it becomes")
    func environment() throws {
        let given = ["HOME": "/root", "XDG_STATE_HOME": "/root/state", "STATE_DIRECTORY": "/var/lib/tprt"]
        let becoming = try plan(["user=tprt"], by: .root).environment(given)
        #expect(becoming == ["HOME": "/usr", "STATE_DIRECTORY": "/var/lib/tprt"])
        #expect(try plan([], by: Self.user).environment(given) == given)
    }
}

@Suite("Chroots")
struct ChrootTests {
    @Test("know what lies beneath them")
    func contains() throws {
        let chroot = try #require(Chroot(path: "/srv//tprt/./"))
        #expect(chroot.path == "/srv/tprt")
        for path in ["/srv/tprt/a", "//srv/tprt//a/b", "/srv/tprt/./a"] { #expect(chroot.contains(path), "\(path)") }
        for path in ["/srv/tprt", "/srv/tprtd/a", "/srv", "srv/tprt/a", "/srv/tprt/../a", "/"] {
            #expect(!chroot.contains(path), "\(path)")
        }
    }
}
