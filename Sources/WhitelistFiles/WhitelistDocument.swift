import JSONText
public import Whitelists

/// A file of a whitelist, or what stands for one.
public struct WhitelistDocument: Sendable, Hashable {
    /// What the file is made of.
    public enum Form: Sendable, Hashable {
        /// The original's JSON.
        case json
        /// postgrey's `whitelist_clients`.
        case postgreyClients
        /// postgrey's `whitelist_recipients`.
        case postgreyRecipients
        /// No file: lists that are kept elsewhere.
        case remote(RemoteSource)
    }

    /// What a reading brought.
    public struct Reading<Entries> {
        /// The entries that could be read, in the order of the file.
        public let entries: Entries
        /// What was skipped, a sentence each.
        public let complaints: [String]
    }

    /// What it is made of.
    public let form: Form
    /// Where it is: a path, or the name of what is no file.
    public let path: String
    /// Whether it may be missing, and is then empty.
    public let isOptional: Bool

    /// Whether it is a file.
    var isFile: Bool {
        if case .remote = form { false } else { true }
    }

    /// A file of that form.
    public init(_ form: Form, path: String, isOptional: Bool = false) {
        self.form = form
        self.path = path
        self.isOptional = isOptional
    }

    /// Reads the entries for matching; blocks meanwhile.
    public func part(
        _ terms: SourceTerms, through access: FileAccess = .direct
    ) throws(WhitelistFault) -> Reading<WhitelistPart> {
        let reading = try read(terms, access, into: WhitelistBuilder(source: bareOrQuoted(path)))
        return Reading(entries: reading.entries.finish(), complaints: reading.complaints)
    }

    /// Reads a text in place of what the file holds.
    public func part(text: String, _ terms: SourceTerms) throws(WhitelistFault) -> Reading<WhitelistPart> {
        let reading = try read(Array(text.utf8), terms, into: WhitelistBuilder(source: bareOrQuoted(path)))
        return Reading(entries: reading.entries.finish(), complaints: reading.complaints)
    }

    /// Reads the entries of a text one by one.
    public func entries(text: String, _ terms: SourceTerms) throws(WhitelistFault) -> Reading<[WhitelistEntry]> {
        try read(Array(text.utf8), terms, into: [])
    }

    /// Reads the entries one by one; blocks meanwhile.
    public func entries(_ terms: SourceTerms) throws(WhitelistFault) -> Reading<[WhitelistEntry]> {
        try read(terms, .direct, into: [])
    }

    /// Reads the entries with their lists; blocks meanwhile.
    ///
    /// - Parameter unlisted: the list of what stands in none; nil: it is called as the file is
    public func lists(_ terms: SourceTerms, unlisted: String? = nil) throws(WhitelistFault) -> Reading<EntryLists> {
        let own = path.split(separator: "/").last.map(String.init) ?? path
        return try read(terms, .direct, into: EntryLists(unlisted: unlisted ?? own))
    }

    private func read<Sink: EntrySink>(
        _ terms: SourceTerms, _ access: FileAccess, into empty: Sink
    ) throws(WhitelistFault) -> Reading<Sink> {
        if case .remote(let source) = form {
            let gathering = Gathering(empty)
            try source.read(terms, into: gathering)
            return Reading(entries: gathering.sink, complaints: gathering.complaints)
        }
        let bytes: [UInt8]
        do throws(FileFault) {
            bytes = try contents(of: path, limit: WhitelistLimits.file, through: access)
        } catch {
            if isOptional, error.isMissing { return Reading(entries: empty, complaints: []) }
            throw WhitelistFault("\(bareOrQuoted(path)): \(error.sentence)")
        }
        return try read(bytes, terms, into: empty)
    }

    private func read<Sink: EntrySink>(
        _ bytes: [UInt8], _ terms: SourceTerms, into empty: Sink
    ) throws(WhitelistFault) -> Reading<Sink> {
        let gathering = Gathering(empty)
        // Nothing at all is no entries: so a file can be switched off.
        if bytes.allSatisfy({ $0 == 0x20 || (0x09...0x0d).contains($0) }) {
            return Reading(entries: empty, complaints: [])
        }
        switch form {
        case .json: try JSONWhitelist(path: path, terms: terms).read(bytes, into: gathering)
        case .postgreyClients: PostgreyList(.clients, path: path, terms: terms).read(bytes, into: gathering)
        case .postgreyRecipients: PostgreyList(.recipients, path: path, terms: terms).read(bytes, into: gathering)
        case .remote: preconditionFailure("what is no file has no text")
        }
        return Reading(entries: gathering.sink, complaints: gathering.complaints)
    }
}
