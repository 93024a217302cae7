import JSONText
public import Settings

/// What a command line of postgrey means in settings of ours.
///
/// What postgrey has another default for is set, too; what neither says stays at our own default.
public struct PostgreySettings: Equatable, Sendable {
    /// Values with the options that they come from; `tprt-postgrey` where it is postgrey's default.
    public private(set) var assignments: [Assignment] = []
    /// What is put up with, a message each.
    public private(set) var warnings: [String] = []
    /// Where postgrey keeps its database.
    public let databaseDirectory: String
    /// The arguments with which `tprtctl import` reads that database.
    public private(set) var importWords: [String] = []

    /// The circumstances under which a command line is read.
    public struct Host: Sendable {
        /// Whether root starts the daemon, which then becomes another user.
        public let isRoot: Bool
        /// The text of `POSTGREY_TEXT`, with which Debian's postgrey fills in for `--greylist-text`; nil for none.
        public let text: String?
        /// Where postgrey's lists are; without the name of the list.
        public let listDirectory: String
        /// Where their copies are, each of which counts where its list is missing.
        public let copyDirectory: String
        /// The URL of the database; nil where the environment says it.
        public let database: String?
        /// The path of the control socket; nil where the environment says it.
        public let controlSocket: String?
        /// Whether there is a file of that path.
        let exists: @Sendable (String) -> Bool

        /// These circumstances.
        public init(
            isRoot: Bool, text: String?, listDirectory: String, copyDirectory: String, database: String?,
            controlSocket: String?, exists: @escaping @Sendable (String) -> Bool
        ) {
            self.isRoot = isRoot
            self.text = text
            self.listDirectory = listDirectory
            self.copyDirectory = copyDirectory
            self.database = database
            self.controlSocket = controlSocket
            self.exists = exists
        }

        /// The list; where only a copy of it is left, that, with the `.local` that is still beside the list itself.
        ///
        /// Purging Debian's postgrey deletes the lists that came with it, and nothing else.
        func files(of list: String) -> [String] {
            guard list.hasPrefix(listDirectory + "/"), !exists(list) else { return [list] }
            let (copy, local) = (copyDirectory + list.dropFirst(listDirectory.count), list + ".local")
            guard exists(copy) else { return [list] }
            return exists(local) ? [copy, local] : [copy]
        }
    }

    /// Translates a command line.
    ///
    /// - Throws: a message on the first option that can't be honoured
    package init(_ line: PostgreyCommandLine, on host: Host) throws(PostgreyCommandLine.ParseError) {
        databaseDirectory = line[.dbdir] ?? "/var/lib/postgrey"
        guard !line.has(.noaction) else {
            throw Self.unsupported(.noaction, "use tprtd with service.mode observe, a trial that lets all mail pass")
        }
        if !line.strayWords.isEmpty {
            warnings.append(
                "\"\(line.strayWords.joined(separator: " "))\" belongs to no option: a value with blanks needs quotation "
                    + "marks, and in /etc/default/postgrey the text stands in POSTGREY_TEXT")
        }
        try listen(line, host)
        try judge(line, host)
        word(line, host)
        whitelists(line, host)
        try log(line)
        process(line, host)
        importWords = [
            "postgrey", databaseDirectory, "--delay", value(line, .delay, default: "300"),
            "--ipv4cidr", value(line, .ipv4cidr, default: "24"), "--ipv6cidr", value(line, .ipv6cidr, default: "64"),
        ]
    }

    private static func unsupported(
        _ option: PostgreyCommandLine.Option, _ message: String
    ) -> PostgreyCommandLine.ParseError {
        PostgreyCommandLine.ParseError(message: "--\(option.rawValue): \(message)")
    }

    /// Sets a value; `option` is nil where it is what postgrey has without one.
    private mutating func set(_ key: String, _ text: String, by option: PostgreyCommandLine.Option?) {
        let origin = Origin.flag(name: option.map { "--\($0.rawValue)" } ?? "tprt-postgrey")
        assignments.append(Assignment(key: key, input: .text(text), origin: origin))
    }

    /// Sets the value of an option, or postgrey's default.
    private mutating func set(
        _ key: String, _ line: PostgreyCommandLine, _ option: PostgreyCommandLine.Option, default value: String,
        unit: String = ""
    ) {
        let text = self.value(line, option, default: value)
        set(key, text + unit, by: text == line[option] ? option : nil)
    }

    /// The value of an option as it is, or postgrey's default; as in Perl, 0 is no value.
    private func value(
        _ line: PostgreyCommandLine, _ option: PostgreyCommandLine.Option, default value: String
    ) -> String {
        line[option].flatMap { $0 == "0" ? nil : $0 } ?? value
    }

    private mutating func listen(_ line: PostgreyCommandLine, _ host: Host) throws(PostgreyCommandLine.ParseError) {
        if let address = line[.inet] {
            if line.has(.unix) { warnings.append("--unix has no effect beside --inet") }
            let colon = address.lastIndex(of: ":")
            let host = colon.map { String(address[..<$0]) } ?? "localhost"
            let port = String(colon.map { address[address.index(after: $0)...] } ?? address[...])
            guard let number = UInt16(port), number > 0, !host.isEmpty else {
                throw Self.unsupported(
                    .inet, "\"\(address)\" is not PORT or HOST:PORT (as in 10023 or 127.0.0.1:10023)")
            }
            set("server.socket_type", "inet", by: .inet)
            set("server.socket_listen_host", Self.plainHost(host), by: .inet)
            set("server.socket_listen_port", "\(number)", by: .inet)
        } else if let path = line[.unix] {
            guard path.hasPrefix("/") else {
                throw Self.unsupported(.unix, "\"\(path)\" is not an absolute path: begin it with /")
            }
            set("server.socket_type", "unix", by: .unix)
            set("server.socket_path", path, by: .unix)
            set("server.socket_mode", line, .socketmode, default: "0666")
        } else {
            throw PostgreyCommandLine.ParseError(
                message: "--unix or --inet must be given (as in --inet=127.0.0.1:10023)")
        }
        if line.has(.listenQueueSize) { set("server.listen_queue_size", line, .listenQueueSize, default: "1024") }
        if line.has(.exim) { set("server.close_after_reply", "true", by: .exim) }
        if let path = host.controlSocket { set("server.control_socket", path, by: nil) }
    }

    /// The name or address without the brackets of IPv6; `*` is every address.
    private static func plainHost(_ host: String) -> String {
        if host == "*" { return "::" }
        return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    private mutating func judge(_ line: PostgreyCommandLine, _ host: Host) throws(PostgreyCommandLine.ParseError) {
        set("service.grey_delay", line, .delay, default: "300", unit: "s")
        set("service.grey_max_age", line, .maxAge, default: "35", unit: "d")
        let window = line[.retryWindow] ?? "2"
        let isHours = window.last == "h" || window.last == "H"
        guard let length = Int(isHours ? String(window.dropLast()) : window), length > 0 else {
            throw Self.unsupported(
                .retryWindow, "\"\(window)\" is neither a number of days nor, followed by h, of hours (as in 2 or 6h)")
        }
        set(
            "service.grey_retry_window", "\(length)\(isHours ? "h" : "d")",
            by: line.has(.retryWindow) ? .retryWindow : nil)
        if line.has(.lookupByHost) {
            set("service.ipv4_mask", "32", by: .lookupByHost)
            set("service.ipv6_mask", "128", by: .lookupByHost)
        } else {
            set("service.ipv4_mask", line, .ipv4cidr, default: "24")
            set("service.ipv6_mask", line, .ipv6cidr, default: "64")
        }
        let method = line[.identity]?.lowercased() ?? "name"
        guard ["off", "name", "spf"].contains(method) else {
            throw Self.unsupported(.identity, "\"\(method)\" is none of off, name and spf")
        }
        set("service.identity", method, by: line.has(.identity) ? .identity : nil)
        let count = line[.autoWhitelistClients].flatMap { $0.isEmpty ? nil : $0 } ?? "5"
        guard UInt32(count) != nil else {
            throw Self.unsupported(.autoWhitelistClients, "\"\(count)\" is not a whole number (0 turns it off)")
        }
        set("service.awl_client_count", count, by: line.has(.autoWhitelistClients) ? .autoWhitelistClients : nil)
        set("service.awl_by", "address", by: nil)
        if let database = host.database { set("service.grey_db", database, by: nil) }
        guard line.has(.privacy) else { return }
        set("service.hash_grey_db", "true", by: .privacy)
        let lengths = [line[.ipv4cidr] ?? "24", line[.ipv6cidr] ?? "64"]
        set("service.postgrey_digests", line.has(.lookupByHost) ? "host" : lengths.joined(separator: "/"), by: .privacy)
    }

    private mutating func word(_ line: PostgreyCommandLine, _ host: Host) {
        set("service.grey_action", line, .greylistAction, default: "DEFER_IF_PERMIT")
        let text = line[.greylistText] ?? host.text ?? "Greylisted, see http://postgrey.schweikert.ch/help/%r.html"
        set(
            "service.grey_text", Self.template(text, ["s": "wait", "r": "recipient_domain"]),
            by: line.has(.greylistText) || host.text != nil ? .greylistText : nil)
        let header = line[.greylistHeader] ?? "X-Greylist: delayed %t seconds by postgrey-%v at %h; %d"
        set(
            "service.grey_smtp_header", Self.template(header, ["t": "delay", "h": "hostname", "d": "date"]),
            by: line.has(.greylistHeader) ? .greylistHeader : nil)
        if line.has(.hostname) { set("service.grey_hostname", line, .hostname, default: "") }
    }

    /// postgrey's variables as ours; `%v` is the version of postgrey whose place this program takes.
    private static func template(_ text: String, _ variables: [Character: String]) -> String {
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "{": result += "{{"
            case "}": result += "}}"
            case "%":
                guard let next = rest.first, let variable = variables[next] ?? (next == "v" ? "" : nil) else {
                    result += "%"
                    continue
                }
                result += variable.isEmpty ? "1.37" : "{\(variable)}"
                rest.removeFirst()
            default: result.append(character)
            }
        }
        return result
    }

    private mutating func whitelists(_ line: PostgreyCommandLine, _ host: Host) {
        let clients = lists(line, .whitelistClients, or: "whitelist_clients", host)
        let recipients = lists(line, .whitelistRecipients, or: "whitelist_recipients", host)
        let urls = clients.map { "postgrey-clients://\($0)" } + recipients.map { "postgrey-recipients://\($0)" }
        let isGiven = line.has(.whitelistClients) || line.has(.whitelistRecipients)
        let items = urls.map(JSONValue.string)
        assignments.append(
            Assignment(
                key: "service.wl_sources", input: .json(.array(items)),
                origin: .flag(name: isGiven ? "--whitelist-clients, --whitelist-recipients" : "tprt-postgrey")))
        // postgrey's own list has expressions.
        set("service.allow_wl_regex", "true", by: nil)
    }

    /// The files of a list; a `.local` is read with the file that it belongs to.
    private func lists(
        _ line: PostgreyCommandLine, _ option: PostgreyCommandLine.Option, or usual: String, _ host: Host
    ) -> [String] {
        guard line.has(option) else { return host.files(of: "\(host.listDirectory)/\(usual)") }
        let files = line.all(option)
        return files.filter { !$0.hasSuffix(".local") || !files.contains(String($0.dropLast(6))) }
            .flatMap(host.files)
    }

    private mutating func log(_ line: PostgreyCommandLine) throws(PostgreyCommandLine.ParseError) {
        set("log.log_type", "syslog", by: nil)
        set("log.log_ident", "postgrey", by: nil)
        set(
            "log.log_facility", (line[.syslogFacility] ?? "mail").lowercased(),
            by: line.has(.syslogFacility) ? .syslogFacility : nil)
        set("log.log_format", "postgrey", by: nil)
        if line.has(.quiet) || line.has(.verbose) {
            set("log.log_level", line.has(.quiet) ? "1" : "3", by: line.has(.quiet) ? .quiet : .verbose)
        }
        if !line.has(.daemonize) { set("log.log_copy", "stdout", by: nil) }
    }

    private mutating func process(_ line: PostgreyCommandLine, _ host: Host) {
        if line.has(.daemonize) {
            set("server.daemonize", "true", by: .daemonize)
            if line.has(.pidfile) { set("server.pid_file_path", line, .pidfile, default: "") }
        }
        guard host.isRoot else {
            if line.has(.user) { set("server.user", line, .user, default: "") }
            return
        }
        set("server.user", line, .user, default: "tprt")
        if line.has(.group) { set("server.group", line, .group, default: "") }
    }
}
