/// postgrey's command line, word by word, as Getopt::Long(3perl) reads it.
///
/// An option stands behind one dash or two, in either case of its letters, and may be cut to any beginning that no other
/// one has; its value follows behind `=` or is the next word. What is said last counts; the lists may be named several
/// times.
package struct PostgreyCommandLine: Equatable, Sendable {
    /// What is taken with an option.
    enum Argument {
        case none, text, integer
        /// The next word, unless that is an option.
        case optional
    }

    /// The options of postgrey 1.37, and those that only this program has.
    package enum Option: String, CaseIterable, Sendable {
        case help, man, version, noaction, verbose, quiet, daemonize, unix, inet, socketmode, user, group, dbdir
        case pidfile, delay
        case maxAge = "max-age"
        case lookupBySubnet = "lookup-by-subnet"
        case lookupByHost = "lookup-by-host"
        case ipv4cidr, ipv6cidr
        case autoWhitelistClients = "auto-whitelist-clients"
        case whitelistClients = "whitelist-clients"
        case whitelistRecipients = "whitelist-recipients"
        case syslogFacility = "syslog-facility"
        case retryWindow = "retry-window"
        case greylistAction = "greylist-action"
        case greylistText = "greylist-text"
        case privacy, hostname, exim
        /// Of ours: by what a sender is recognised that comes back from another address.
        case identity
        case listenQueueSize = "listen-queue-size"
        case greylistHeader = "x-greylist-header"

        /// All its names.
        var names: [String] {
            switch self {
            case .help: ["help", "h"]
            case .noaction: ["noaction", "no-action", "n"]
            case .verbose: ["verbose", "v"]
            case .quiet: ["quiet", "q"]
            case .daemonize: ["daemonize", "d"]
            case .unix: ["unix", "u"]
            case .inet: ["inet", "i"]
            case .syslogFacility: ["syslog-facility", "syslogfacility", "facility"]
            default: [rawValue]
            }
        }

        var argument: Argument {
            switch self {
            case .help, .man, .version, .noaction, .verbose, .quiet, .daemonize, .lookupBySubnet, .lookupByHost,
                .privacy, .exim:
                .none
            case .delay, .maxAge, .ipv4cidr, .ipv6cidr, .listenQueueSize: .integer
            case .autoWhitelistClients: .optional
            case .unix, .inet, .socketmode, .user, .group, .dbdir, .pidfile, .whitelistClients, .whitelistRecipients,
                .syslogFacility, .retryWindow, .greylistAction, .greylistText, .hostname, .greylistHeader, .identity:
                .text
            }
        }
    }

    /// Why it isn't postgrey's: a message with its remedy.
    package struct ParseError: Error, Equatable, Sendable {
        /// What is wrong.
        package let message: String
    }

    private var values: [Option: [String]] = [:]
    /// The words that belong to no option; postgrey pays no attention to them.
    package private(set) var strayWords: [String] = []

    /// Reads the words behind the program's name.
    package init(_ words: [String]) throws(ParseError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                strayWords += rest
                return
            }
            guard word.hasPrefix("-"), word != "-" else {
                strayWords.append(word)
                continue
            }
            let text = word.dropFirst(word.hasPrefix("--") ? 2 : 1)
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let option = try Self.option(parts.first ?? "", word)
            let value = try Self.value(of: option, parts.count > 1 ? parts[1] : nil, from: &rest)
            values[option, default: []].append(value)
        }
    }

    /// The value of an option that was given, the last one; empty for one that takes none.
    package subscript(_ option: Option) -> String? { values[option]?.last }

    /// Whether it was given.
    package func has(_ option: Option) -> Bool { values[option] != nil }

    /// All values that were given.
    package func all(_ option: Option) -> [String] { values[option] ?? [] }

    private static func option(_ name: String, _ word: String) throws(ParseError) -> Option {
        let name = name.lowercased()
        if let exact = Option.allCases.first(where: { $0.names.contains(name) }) { return exact }
        let meant = Option.allCases.filter { $0.names.contains { $0.hasPrefix(name) } }
        switch meant.count {
        case 1: return meant[0]
        case 0: throw ParseError(message: "\(word) is not an option of postgrey 1.37: see --help")
        default:
            let names = meant.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw ParseError(message: "\(word) may be one of \(names): write it out")
        }
    }

    private static func value(
        of option: Option, _ attached: String?, from rest: inout ArraySlice<String>
    ) throws(ParseError) -> String {
        let name = "--\(option.rawValue)"
        switch option.argument {
        case .none:
            guard attached == nil else {
                throw ParseError(message: "\(name) takes no value: leave out what follows it")
            }
            return ""
        case .optional:
            if let attached { return attached }
            guard let next = rest.first, !next.hasPrefix("-") || next == "-" else { return "" }
            rest.removeFirst()
            return next
        case .text, .integer:
            let value: String
            if let attached {
                value = attached
            } else {
                guard let next = rest.popFirst() else { throw ParseError(message: "\(name) needs a value") }
                value = next
            }
            guard !value.isEmpty else { throw ParseError(message: "\(name) needs a value") }
            guard option.argument == .integer else { return value }
            guard let number = Int(String(value.filter { $0 != "_" })) else {
                throw ParseError(message: "\(name): \"\(value)\" is not a whole number")
            }
            return "\(number)"
        }
    }
}
