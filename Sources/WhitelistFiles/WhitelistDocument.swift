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
        /// A table of cidr_table(5).
        case cidr
        /// A list of another program.
        case foreign(ForeignList)
        /// No file: lists that are kept elsewhere.
        case remote(RemoteSource)
    }

    /// What a reading brought.
    public struct Reading<Entries> {
        /// The entries that could be read, in the order of the file.
        public internal(set) var entries: Entries
        /// What was skipped, a sentence each.
        public let messages: [String]
        /// What is said of entries that were taken, a sentence each.
        public let notes: [String]
        /// All of that, each kind once.
        let digest: RemarkDigest
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
        _ options: SourceOptions, through access: FileAccess = .direct
    ) throws(WhitelistError) -> Reading<WhitelistPart> {
        try part(options, beside: ConditionCount(), through: access)
    }

    /// Reads the entries for matching; blocks meanwhile.
    ///
    /// - Parameter former: what conditions there are already
    package func part(
        _ options: SourceOptions, beside former: ConditionCount, through access: FileAccess = .direct
    ) throws(WhitelistError) -> Reading<WhitelistPart> {
        let empty = EntryCollector(WhitelistBuilder(source: bareOrQuoted(path)), beside: former)
        return try read(options, access, into: empty).map { $0.finish() }
    }

    /// Reads a text in place of what the file holds.
    public func part(text: String, _ options: SourceOptions) throws(WhitelistError) -> Reading<WhitelistPart> {
        let empty = EntryCollector(WhitelistBuilder(source: bareOrQuoted(path)))
        return try read(Array(text.utf8), options, into: empty).map { $0.finish() }
    }

    /// Reads the entries of a text one by one.
    public func entries(text: String, _ options: SourceOptions) throws(WhitelistError) -> Reading<[WhitelistEntry]> {
        try read(Array(text.utf8), options, into: EntryCollector([]))
    }

    /// Reads the entries one by one; blocks meanwhile.
    public func entries(_ options: SourceOptions) throws(WhitelistError) -> Reading<[WhitelistEntry]> {
        try entries(options, beside: ConditionCount())
    }

    /// Reads the entries one by one; blocks meanwhile.
    ///
    /// - Parameter former: what conditions there are already
    package func entries(
        _ options: SourceOptions, beside former: ConditionCount
    ) throws(WhitelistError) -> Reading<[WhitelistEntry]> {
        try read(options, .direct, into: EntryCollector([], beside: former))
    }

    /// Reads the entries with their lists; blocks meanwhile.
    ///
    /// - Parameter unlisted: the list of what stands in none; nil: it is called as the file is
    public func lists(_ options: SourceOptions, unlisted: String? = nil) throws(WhitelistError) -> Reading<EntryLists> {
        let own = path.split(separator: "/").last.map(String.init) ?? path
        return try read(options, .direct, into: EntryCollector(EntryLists(unlisted: unlisted ?? own)))
    }

    private func read<Sink: EntrySink>(
        _ options: SourceOptions, _ access: FileAccess, into collector: EntryCollector<Sink>
    ) throws(WhitelistError) -> Reading<Sink> {
        if case .remote(let source) = form {
            try source.read(options, into: collector)
            return Reading(collector)
        }
        let bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try contents(of: path, limit: WhitelistLimits.file, through: access)
        } catch {
            if isOptional, error.isMissing { return Reading(collector) }
            throw WhitelistError("\(bareOrQuoted(path)): \(error.message)")
        }
        return try read(bytes, options, into: collector)
    }

    private func read<Sink: EntrySink>(
        _ bytes: [UInt8], _ options: SourceOptions, into collector: EntryCollector<Sink>
    ) throws(WhitelistError) -> Reading<Sink> {
        // Nothing at all is no entries: so a file can be switched off.
        if bytes.allSatisfy({ $0 == 0x20 || (0x09...0x0d).contains($0) }) { return Reading(collector) }
        switch form {
        case .json: try JSONWhitelist(path: path, options: options).read(bytes, into: collector)
        case .postgreyClients: PostgreyList(.clients, path: path, options: options).read(bytes, into: collector)
        case .postgreyRecipients: PostgreyList(.recipients, path: path, options: options).read(bytes, into: collector)
        case .cidr: CIDRTable(path: path, options: options).read(bytes, into: collector)
        case .foreign(let list): try list.read(bytes, of: path, options, into: collector)
        case .remote: preconditionFailure("what is no file has no text")
        }
        return Reading(collector)
    }
}

extension WhitelistDocument.Reading where Entries: EntrySink {
    fileprivate init(_ collector: EntryCollector<Entries>) {
        entries = collector.sink
        messages = collector.messages
        notes = collector.notes
        digest = collector.digest
    }
}

extension WhitelistDocument.Reading {
    /// The same with other entries, which are made of these.
    fileprivate func map<Other>(_ change: (inout Entries) -> Other) -> WhitelistDocument.Reading<Other> {
        var entries = entries
        return WhitelistDocument.Reading<Other>(
            entries: change(&entries), messages: messages, notes: notes, digest: digest)
    }
}
