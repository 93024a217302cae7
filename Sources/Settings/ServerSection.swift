extension Configuration {
    /// The section `server`.
    public struct Server: Sendable, Equatable {
        /// The kind of the first listening socket.
        public var socketType = SocketType.inet
        /// The permissions of a unix socket.
        public var socketMode = SocketMode(0o660)
        /// The group of a unix socket; empty: the process's own.
        public var socketGroup = ""
        /// The path of a unix socket.
        public var socketPath = "/var/run/tprt/socket"
        /// The name or address that a TCP socket listens on.
        public var socketListenHost = "127.0.0.1"
        /// The port that a TCP socket listens on.
        public var socketListenPort = 10023
        /// More listeners, as `inet:host:port` or `unix:path?mode=0660&group=name`.
        public var listen: [String] = []
        /// The path of the socket at which tprtctl finds the daemon; empty: none.
        public var controlSocket = ""
        /// How many connections may wait to be accepted.
        public var listenQueueSize = 1024
        /// Whether a restart may take a socket over that was left behind.
        public var reuseSocket = true
        /// Whether the process goes to the background.
        public var daemonize = false
        /// Whether the process shuts itself into `chrootDir`.
        public var chroot = false
        /// The directory of `chroot`; empty: the user's home directory.
        public var chrootDir = ""
        /// The user to become; empty: no change.
        public var user = ""
        /// The group to become; empty: the user's own.
        public var group = ""
        /// The file that holds the process's number; empty: none.
        public var pidFilePath = ""
        /// How soon every complete request is answered.
        public var requestDeadline = Duration.seconds(5)
        /// How long a connection may stay silent.
        public var idleTimeout = Duration.seconds(1200)
        /// How many connections may be open.
        public var maxConnections = 2000
        /// How many event loops serve requests.
        public var threads = 1

        /// The defaults.
        public init() {}
    }
}
