import FileCalls
import Glibc
public import Greylist
public import Settings
public import Storage
import SystemPackage
import TrustedFiles

/// Where the program keeps its databases when the settings don't say: `$STATE_DIRECTORY` (systemd), else
/// `$XDG_STATE_HOME/tprt`, else `~/.local/state/tprt`.
public struct StateDirectory: Sendable {
    /// The directory.
    public let path: String

    /// What these variables say.
    public init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if let directories = value("STATE_DIRECTORY") {
            path = String(directories.prefix { $0 != ":" })
        } else if let base = value("XDG_STATE_HOME") {
            path = base + "/tprt"
        } else {
            let home = value("HOME") ?? getpwuid(getuid()).map { String(cString: $0.pointee.pw_dir) } ?? "/"
            path = home + "/.local/state/tprt"
        }
    }

    /// Replaces `{state_dir}` in a URL.
    public func expand(_ url: String) -> String {
        url.split(separator: "{state_dir}", omittingEmptySubsequences: false).joined(separator: path)
    }

    /// Makes the directory, and those above it; what can't be made shows when the database is opened.
    public func make() {
        guard let reach = try? FileReach(path) else { return }
        reach.act {
            var path = ""
            for name in reach.path.split(separator: "/") {
                path += "/" + name
                try? FileNames.makeDirectory(path, .ownerReadWriteExecute)
            }
        }
    }
}

extension Rules {
    /// The rules that the settings give.
    public init(_ service: Configuration.Service) {
        self.init(
            delay: service.greyDelay.wholeSeconds, retryWindow: service.greyRetryWindow.wholeSeconds,
            maxAge: service.greyMaxAge.wholeSeconds, clientCount: UInt32(service.awlClientCount),
            maxPending: service.maxPending, maxPendingPerNetwork: service.maxPendingPerNetwork)
    }
}

extension IdentityAges {
    /// The ages that the settings give.
    public init(_ service: Configuration.Service) {
        self.init(earned: service.identityMaxAge.wholeSeconds, learned: service.learnedMaxAge.wholeSeconds)
    }
}

extension Duration {
    /// Seconds, a fraction rounded up.
    fileprivate var wholeSeconds: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }
}
