import ArgumentParser
import FileCalls
import FoundationEssentials
import Greylist
import JSONText
import Programs
import Settings
import WhitelistFiles
import Whitelists

/// The whitelists that a command is about.
struct WhitelistSelection: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Whitelists: file:///path, dir:///path, postgrey-clients:///path, postgrey-recipients:///path, cidr:///path, redis://host/0; else wl_sources.",
            discussion:
                "Also lists of other programs: sqlgrey-fqdn:///path, sqlgrey-ip:///path, milter-greylist:///path (its acl whitelist lines), iredapd:///path (its table greylisting_whitelists as text).",
            valueName: "source"))
    var sources: [String] = []

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Take regular expressions, as with allow_wl_regex.")
    var regex = false

    @Flag(help: "Take entries that let nearly everybody through.")
    var force = false

    /// An entry and where it stands.
    struct Entry {
        let location: String
        let entry: WhitelistEntry
    }

    /// What was read of all sources.
    struct Reading {
        /// The files, each with how many entries it has.
        var files: [(path: String, count: Int)] = []
        var entries: [Entry] = []
        var parts: [WhitelistPart] = []
        var faults: [String] = []
        /// What is said of entries that were taken.
        var notes: [String] = []
        /// What the conditions cost.
        var counts = ConditionCount()
    }

    /// Reads all sources; what is wrong with them is in the result.
    func read() throws(ProgramError) -> Reading {
        let service = try settings.load(environment: ProcessInfo.processInfo.environment).service
        let options = SourceOptions(allowsPatterns: regex || service.allowWlRegex, allowsWide: force).knowingSuffixes()
        var reading = Reading()
        for source in try chosenSources(service) {
            do throws(WhitelistError) {
                for document in try source.documents() { reading.add(document, options) }
            } catch {
                reading.faults.append(error.description)
            }
        }
        return reading
    }

    /// The site's own translators, by the settings.
    func nat64Prefixes() throws(ProgramError) -> [NAT64Prefix] {
        let service = try settings.load(environment: ProcessInfo.processInfo.environment).service
        var prefixes: [NAT64Prefix] = []
        for text in service.nat64Prefixes {
            do throws(NAT64Prefix.ParseError) {
                prefixes.append(try NAT64Prefix(text))
            } catch {
                throw ProgramError(.configuration, "service.nat64_prefixes: \(error)")
            }
        }
        return prefixes
    }

    /// The sources that are named, or else those of the settings.
    func chosenSources(_ service: Configuration.Service) throws(ProgramError) -> [WhitelistSource] {
        var chosen: [WhitelistSource] = []
        // The daemon doesn't read lists of other programs, so its settings name none.
        let foreign = sources.isEmpty ? [] : ForeignList.known
        for url in sources.isEmpty ? service.wlSources : sources {
            do throws(WhitelistError) {
                chosen.append(
                    try WhitelistSource(url.hasPrefix("/") ? "file://\(url)" : url, foreign: foreign) {
                        (url) throws(WhitelistError) in
                        try RemoteWhitelists.source(at: url) { _ in }
                    })
            } catch {
                throw ProgramError(sources.isEmpty ? .configuration : .usage, error.description)
            }
        }
        return chosen
    }
}

extension WhitelistSelection.Reading {
    fileprivate mutating func add(_ document: WhitelistDocument, _ options: SourceOptions) {
        do throws(WhitelistError) {
            try read(document, options)
        } catch {
            faults.append(error.description)
        }
    }

    private mutating func read(_ document: WhitelistDocument, _ options: SourceOptions) throws(WhitelistError) {
        // postgrey's .local, which needn't be there.
        if document.isOptional, FileAccess.direct.status(document.path) == nil { return }
        let one = try document.entries(options, beside: counts)
        let part = try document.part(options, beside: counts).entries
        guard part.count == one.entries.count else {
            faults.append("\(bareOrQuoted(document.path)): it changed while it was read")
            return
        }
        files.append((document.path, part.count))
        parts.append(part)
        for (number, entry) in one.entries.enumerated() {
            entries.append(WhitelistSelection.Entry(location: part.location(number), entry: entry))
        }
        counts.add(part.counts)
        faults += one.messages
        notes += one.notes
    }
}

extension WhitelistSelection {
    /// What was read, to be written elsewhere.
    struct Lists {
        var lists = EntryLists()
        /// Whether the daemon honours regular expressions, as far as it is known.
        var honoursPatterns: Bool
    }

    /// Reads all sources with their lists: all entries, or none where any is faulty.
    ///
    /// - Parameter unlisted: the list of what stands in none; nil: it is called as its file is
    func lists(unlisted: String? = nil) throws(ProgramError) -> Lists {
        let service = try settings.load(environment: ProcessInfo.processInfo.environment).service
        // They are kept whether or not they are honoured.
        let options = SourceOptions(allowsPatterns: true, allowsWide: force)
        var result = Lists(honoursPatterns: regex || service.allowWlRegex)
        var faults: [String] = []
        for source in try chosenSources(service) {
            do throws(WhitelistError) {
                for document in try source.documents() {
                    let reading = try document.lists(options, unlisted: unlisted)
                    result.lists.append(reading.entries)
                    faults += reading.messages
                }
            } catch {
                faults.append(error.description)
            }
        }
        guard faults.isEmpty else { throw ProgramError(.dataError, faults + ["nothing was written"]) }
        return result
    }
}

/// The configuration files of the daemon, whose settings hold here, too.
struct SettingFiles: ParsableArguments {
    @Option(
        name: [.customShort("c", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Read a configuration file of tprtd, whose settings then hold here, too; may be given several times.",
            discussion: "Unless one is named, it is \(Self.usual), where that exists.", valueName: "file"),
        completion: .file())
    var configfile: [String] = []

    /// Where the package has it.
    static let usual = "/etc/tprt/tprt.conf"

    /// These files; where none is named, that of the package, if it exists.
    static func files(named files: [String]) -> [String] {
        files.isEmpty && FileNames.exists(usual) ? [usual] : files
    }

    /// What the files and the variables say.
    func load(environment: [String: String]) throws(ProgramError) -> Configuration {
        do throws(SettingErrors) {
            return try SettingSources(files: Self.files(named: configfile), environment: environment).load {
                try contents(of: $0, limit: ConfigurationFile.sizeLimit)
            }.configuration
        } catch {
            throw ProgramError(error)
        }
    }
}
