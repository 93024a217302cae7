import Foundation
import TestSupport
import Testing

/// Where it keeps its database, and where it listens.
@Suite("Places", .blocking)
struct DaemonPlacesTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    /// It takes the port of its defaults; if that is somebody else's, it says so, and another one serves the rest.
    @Test(
        "Without any arguments it serves, and its database is where the environment says", .serialized,
        arguments: [
            (["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"], "STATE_DIRECTORY"),
            (["XDG_STATE_HOME", "HOME"], "XDG_STATE_HOME/tprt"), (["HOME"], "HOME/.local/state/tprt"),
        ])
    func bare(_ given: [String], _ place: String) throws {
        try withLab { lab in
            let variables = try ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"].map { name in
                given.contains(name) ? "\(name)=\(try lab.directory.makeDirectory(name))" : name
            }
            let database = lab.directory.file("\(place)/tprt.lmdb")
            let usual = Endpoint.inet(10_023)
            var daemon = try lab.launch([], listeningAt: [usual], variables: variables)
            let listens = try eventually("it listens or ends") {
                if daemon.lines.contains("listening on \(usual)") { return true }
                return daemon.process.poll() == nil ? nil : false
            }
            if !listens {
                // It opens its database before it listens.
                #expect(try daemon.waitForEnd() == .exited(69))
                #expect(daemon.lines.contains { $0.contains("\(usual)") }, "\(daemon.lines)")
                #expect(FileManager.default.fileExists(atPath: database))
                let port = try Ports.free()
                daemon = try lab.launch(
                    [], listeningAt: [.inet(port)],
                    variables: variables + ["TPRT_SERVER_SOCKET_LISTEN_PORT=\(port)"])
                try daemon.waitUntilReady()
            }
            #expect(try daemon.ask(request).isGreylisted)
            #expect(FileManager.default.fileExists(atPath: database))
            #expect(try daemon.terminate() == .exited(0))
            // Nothing was put anywhere else.
            #expect(try FileManager.default.contentsOfDirectory(atPath: lab.directory.path).sorted() == given.sorted())
            for name in given where !place.hasPrefix(name) {
                #expect(try FileManager.default.contentsOfDirectory(atPath: lab.directory.file(name)).isEmpty)
            }
        }
    }

    @Test("It listens on an IPv6 address, which stands in brackets")
    func listensOnIPv6() throws {
        guard let probe = try? ListeningSocket(at: .inet6(0)) else {
            throw TestError("this machine has no ::1: switch IPv6 on (sysctl net.ipv6.conf.lo.disable_ipv6=0)")
        }
        probe.close()
        try withLab { lab in
            let endpoint = Endpoint.inet6(try Ports.free(at: Endpoint.inet6))
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300) + ["-i", #"server.listen=["\#(endpoint)"]"#],
                listeningAt: [endpoint, lab.unixEndpoint])
            try daemon.waitUntilReady()
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Its sockets are given to the group that the settings name")
    func group() throws {
        // Root can give a file to any group, others to one of their own.
        let entry = geteuid() == 0 ? getgrnam("mail") : getgrgid(getgid())
        guard let entry else { throw TestError("no group to give a socket to: add the group mail") }
        let (name, id) = (String(cString: entry.pointee.gr_name), entry.pointee.gr_gid)
        try withLab { lab in
            let second = lab.directory.file("second.sock")
            let endpoints = [lab.unixEndpoint, .unix(second)]
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300)
                    + ["-i", "server.socket_group=\(name)", "-i", #"server.listen=["unix:\#(second)"]"#],
                listeningAt: endpoints)
            try daemon.waitUntilReady()
            for path in [lab.directory.file("policy.sock"), second] {
                var status = stat()
                guard lstat(path, &status) == 0 else { throw TestError.system(path) }
                #expect(status.st_gid == id)
                #expect(status.st_uid == geteuid())
                #expect(status.st_mode & 0o7777 == 0o666)
            }
            #expect(try daemon.terminate() == .exited(0))
        }
    }
}
