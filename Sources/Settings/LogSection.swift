public import JSONText

extension Configuration {
    /// The section `log`.
    public struct Log: Sendable, Equatable {
        /// Where log lines go.
        public var logType = LogType.stderr
        /// Where a copy of each line goes.
        public var logCopy = LogCopy.none
        /// How much is logged: 0 nothing, 1 warnings, 2 information, 3 debugging.
        public var logLevel = 2
        /// The path of the log file, with `LogType.file`.
        public var logFile = ""
        /// The form of a log line.
        public var logFormat = LogFormat.postgrey
        /// How much of addresses is logged.
        public var logAddresses = AddressForm.full
        /// The facility, with `LogType.syslog` and `LogType.journald`.
        public var logFacility = LogFacility.mail
        /// The program's name, with `LogType.file`, `LogType.syslog` and `LogType.journald`.
        public var logIdent = "tprtd"
        /// The path of a socket or `host:port`, with `LogType.syslog`.
        public var logSyslogDest = "/dev/log"
        /// The form of a message, with `LogType.syslog`.
        public var logSyslogFormat = SyslogFormat.rfc3164
        /// The logging dictionary of the Python original, with `LogType.fromConfig`.
        public var config = JSONValue.object([:])

        /// The defaults.
        public init() {}
    }

    static let logFields: [Field] = [
        Field("log.log_type", \.log.logType, "Where log lines go.", flag: "log_type"),
        Field(
            "log.log_copy", \.log.logCopy, "Where a copy of each log line goes, besides log_type.",
            discussion: "Under a supervisor that keeps what a program prints, lines can be in the system's log, too."),
        Field(
            "log.log_level", \.log.logLevel,
            "How much is logged: 0 nothing, 1 warnings, 2 information, 3 debugging.",
            allowed: .range(0...3), flag: "log_level", short: "l", reload: true),
        Field(
            "log.log_file", \.log.logFile, "The absolute path of the log file, with log_type file.",
            discussion: "It is opened again on SIGUSR1, and when another file, or none, lies there.", flag: "log_file"),
        Field(
            "log.log_format", \.log.logFormat,
            "The form of a log line: as postgrey writes it, key=value, or a JSON object."),
        Field(
            "log.log_addresses", \.log.logAddresses,
            "How much of senders and recipients decisions show: full, domain (without local parts) or hashed.",
            discussion:
                "With hashed, digests under the key of the site (privacy_key), and of clients their network alone.",
            reload: true),
        Field(
            "log.log_facility", \.log.logFacility,
            "The facility of the system's log, with log_type syslog or journald.",
            flag: "log_facility"),
        Field(
            "log.log_ident", \.log.logIdent,
            "The program's name in log lines, with log_type file, syslog or journald.",
            discussion: "Programs that choose lines by postgrey's name find ours with \"postgrey\" here.",
            allowed: .programName),
        Field(
            "log.log_syslog_dest", \.log.logSyslogDest,
            "Where the system's log listens, with log_type syslog: the path of a socket, or host:port for UDP.",
            allowed: .notEmpty, flag: "log_syslog_dest"),
        Field(
            "log.log_syslog_format", \.log.logSyslogFormat, "The form of a message, with log_type syslog."),
        Field(
            "log.config", \.log.config, "The logging dictionary of TPRT 0.9.3, with log_type from_config.",
            discussion: "Both are refused: set log_type and log_level instead.", refused: true),
    ]
}
