import Glibc
import Programs
import TestSupport
import Testing

@Suite("The state directory")
struct StateDirectoryTests {
    @Test(
        "the first variable that holds an absolute path says where it is",
        arguments: [
            (
                ["STATE_DIRECTORY": "/var/lib/tprt", "XDG_STATE_HOME": "/x", "HOME": "/home/a"],
                "/var/lib/tprt"
            ),
            (["STATE_DIRECTORY": "/var/lib/tprt:/var/lib/more", "HOME": "/home/a"], "/var/lib/tprt"),
            (["XDG_STATE_HOME": "/x", "HOME": "/home/a"], "/x/tprt"),
            (["HOME": "/home/a"], "/home/a/.local/state/tprt"),
            (["STATE_DIRECTORY": "", "XDG_STATE_HOME": "", "HOME": "/home/a"], "/home/a/.local/state/tprt"),
            (["STATE_DIRECTORY": "lib/tprt", "XDG_STATE_HOME": "/x"], "/x/tprt"),
            (["STATE_DIRECTORY": "lib:/var/lib/tprt", "XDG_STATE_HOME": "/x"], "/x/tprt"),
            (["XDG_STATE_HOME": "state", "HOME": "/home/a"], "/home/a/.local/state/tprt"),
        ])
    func order(environment: [String: String], path: String) {
        #expect(StateDirectory(environment: environment).path == path)
    }

    @Test(
        "without any, or with a relative home, it is below the home of the user's entry",
        arguments: [[:], ["HOME": "a"]])
    func home(environment: [String: String]) throws {
        let entry = try #require(getpwuid(getuid()))
        let path = String(cString: entry.pointee.pw_dir) + "/.local/state/tprt"
        #expect(StateDirectory(environment: environment).path == path)
    }

    @Test(
        "{state_dir} in a URL stands for it, wherever it is",
        arguments: [
            ("lmdb://{state_dir}/tprt.lmdb", "lmdb:///s/tprt.lmdb"), ("lmdb:///other", "lmdb:///other"), ("", ""),
            ("{state_dir}{state_dir}", "/s/s"), ("lmdb://{state_dir", "lmdb://{state_dir"),
        ])
    func expands(url: String, expanded: String) {
        #expect(StateDirectory(environment: ["STATE_DIRECTORY": "/s"]).expand(url) == expanded)
    }

    @Test("the directory and those above it are made for the user alone; what is there stays")
    func makes() throws {
        let home = try TemporaryDirectory()
        defer { home.remove() }
        let state = StateDirectory(environment: ["HOME": home.path])
        for _ in 0..<2 {
            state.make()
            var status = stat()
            try #require(stat(state.path, &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFDIR)
            #expect(status.st_mode & 0o077 == 0)
        }
    }
}
