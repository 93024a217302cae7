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
        /// Where metrics and the page are served; empty: nowhere.
        public var httpListen = ""
        /// By which other host names.
        public var httpHosts: [String] = []
        /// Whether at an address that other machines reach.
        public var httpAllowRemote = false
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
        /// Whether a connection is closed after its first reply.
        public var closeAfterReply = false
        /// How many connections may be open.
        public var maxConnections = 2000
        /// How many event loops serve requests.
        public var threads = 1

        /// The defaults.
        public init() {}
    }
}

extension Configuration {
    static let serverFields: [Field] = [
        Field(
            "server.socket_type", \.server.socketType,
            "The kind of the first listening socket.",
            discussion: "tcp means the same as inet.",
            flag: "socket_type"),
        Field(
            "server.socket_mode", \.server.socketMode,
            "The permissions of a unix socket.",
            flag: "socket_mode"),
        Field(
            "server.socket_group", \.server.socketGroup,
            "The group of a unix socket; empty: the process's own."),
        Field(
            "server.socket_path", \.server.socketPath,
            "The path of a unix socket.",
            allowed: .notEmpty, flag: "socket_path"),
        Field(
            "server.socket_listen_host", \.server.socketListenHost,
            "The name or address that a TCP socket listens on.",
            allowed: .notEmpty, flag: "socket_listen_host"),
        Field(
            "server.socket_listen_port", \.server.socketListenPort,
            "The port that a TCP socket listens on.",
            allowed: .range(1...65535), flag: "socket_listen_port"),
        Field(
            "server.listen", \.server.listen,
            "More listeners, as inet:127.0.0.1:10023 or unix:/path?mode=0660&group=postfix."),
        Field(
            "server.control_socket", \.server.controlSocket,
            "The path of the unix socket at which tprtctl finds the daemon; empty: none.",
            discussion: "Its mode is 0660: root, the daemon's user and its group may use it.",
            allowed: .absolutePathOrEmpty),
        Field(
            "server.listen_queue_size", \.server.listenQueueSize,
            "How many connections may wait to be accepted.",
            allowed: .range(1...65535)),
        Field(
            "server.reuse_socket", \.server.reuseSocket,
            "Whether a restart may take over a socket that was left behind."),
        Field(
            "server.daemonize", \.server.daemonize,
            "Whether the process goes to the background and closes its standard streams.",
            discussion: "The command that was typed ends once the daemon listens.",
            flag: "daemonize"),
        Field(
            "server.chroot", \.server.chroot,
            "Whether the process shuts itself into chroot_dir.",
            discussion: "It does so only where it also drops its privileges; databases must lie beneath chroot_dir.",
            flag: "chroot"),
        Field(
            "server.chroot_dir", \.server.chrootDir,
            "The directory for chroot; empty: the user's home directory.",
            flag: "chroot_dir"),
        Field(
            "server.user", \.server.user,
            "The user to become after the sockets are open; empty: no change.",
            discussion: "Root needs one here, or --allow-root on the command line.",
            flag: "user"),
        Field(
            "server.group", \.server.group,
            "The group to become after the sockets are open; empty: the user's own.",
            flag: "group"),
        Field(
            "server.pid_file_path", \.server.pidFilePath,
            "The file that holds the number of the process; empty: none.",
            flag: "pid_file_path"),
        Field(
            "server.request_deadline", \.server.requestDeadline,
            "How soon every complete request is answered.",
            allowed: .range(.milliseconds(100) ... .seconds(60))),
        Field(
            "server.idle_timeout", \.server.idleTimeout,
            "How long a connection may stay silent before it is closed.",
            discussion: "Postfix keeps an idle connection for 1000 seconds, so less would cut it off.",
            allowed: .atLeast(.seconds(1100))),
        Field(
            "server.close_after_reply", \.server.closeAfterReply,
            "Whether a connection is closed after its first reply, as Exim wants it.",
            discussion: "Postfix sends all requests of an smtpd over one connection: with it, leave this off."),
        Field(
            "server.max_connections", \.server.maxConnections,
            "How many connections may be open at once.",
            allowed: .range(1...100_000)),
        Field(
            "server.http_listen", \.server.httpListen,
            "Where metrics and the page are served: inet:127.0.0.1:10923 or unix:/path; empty: nowhere.",
            allowed: .oneLine),
        Field(
            "server.http_hosts", \.server.httpHosts,
            "The host names by which the page may be asked for, besides localhost and the addresses it is served at.",
            discussion: "Such as that of a proxy with TLS in front of it."),
        Field(
            "server.http_allow_remote", \.server.httpAllowRemote,
            "Whether the page may be served at an address that other machines reach."),
        Field(
            "server.threads", \.server.threads,
            "How many event loops serve requests.",
            allowed: .range(1...64)),
    ]
}
