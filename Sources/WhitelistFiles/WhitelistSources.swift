import JSONText
import NIOConcurrencyHelpers
public import Whitelists

/// The sources of a whitelist, in their order.
///
/// A file that can't be read keeps the entries of its last good reading, and so does a directory. A source that has lost more
/// than half of its entries keeps what it had until that is accepted: a file that is just being copied, or lists that were
/// deleted by mistake, greylist nobody.
public final class WhitelistSources: Sendable {
    /// What a reading brought.
    public struct Reading: Sendable {
        /// All entries of all sources.
        public var whitelist: Whitelist
        /// What is wrong, a sentence each; none of it keeps the rest from being used.
        public var warnings: [String]
        /// What is said of entries that are taken, a sentence each.
        public var notes: [String]

        /// How many entries there are, in words: `1 entry`.
        public var size: String { counted(whitelist.count, "entry", "entries") }
    }

    /// The stamps of the files.
    private struct Stamps: Sendable {
        /// From the last reading.
        var whenRead: [FileStamp] = []
        /// From the last check for changes.
        var before: [FileStamp] = []
    }

    private let sources: [WhitelistSource]
    private let options: SourceOptions
    private let lastGood: NIOLockedValueBox<[WhitelistSource: SourceContents]>
    private let stamps = NIOLockedValueBox(Stamps())

    /// Sources by their URLs.
    ///
    /// - Parameters:
    ///   - former: the sources that these take the place of; what is in both keeps its last good reading
    ///   - remote: makes those that are no files
    public init(
        urls: [String], options: SourceOptions, after former: WhitelistSources? = nil,
        remote: WhitelistSource.RemoteSources = { _ in nil }
    ) throws(WhitelistError) {
        var sources: [WhitelistSource] = []
        for url in urls {
            let source = try WhitelistSource(url, remote: remote)
            if !sources.contains(source) { sources.append(source) }
        }
        self.sources = sources
        self.options = options
        var known = former?.lastGood.withLockedValue { $0 } ?? [:]
        // Under other options a source may well have far fewer entries.
        if former?.options != options { for source in known.keys { known[source]?.isComparable = false } }
        lastGood = NIOLockedValueBox(known.filter { sources.contains($0.key) })
    }

    /// A list of this machine that is read with each of them, where it is installed.
    public static let suffixList = PublicSuffixes.path

    /// The files that are read, and the directories whose files are.
    public var locations: (files: [String], directories: [String]) {
        let files = sources.flatMap { source in
            if case .documents(let documents) = source { documents.filter(\.isFile).map(\.path) } else { [String]() }
        }
        return (files, sources.flatMap(\.directories))
    }

    /// Reads all sources again.
    ///
    /// Blocks while it reads files.
    ///
    /// - Parameters:
    ///   - acceptsShrunk: whether sources that have lost more than half of their entries are taken as they are
    ///   - access: how files are reached
    public func read(
        acceptingShrunk acceptsShrunk: Bool = false, through access: FileAccess = .direct
    ) -> Reading {
        // Before the reading: what changes meanwhile is noticed at the next look.
        let now = currentStamps(access)
        stamps.withLockedValue { $0.whenRead = now }
        var pass = ReloadPass(
            options: options.knowingSuffixes(through: access), access: access, acceptsShrunk: acceptsShrunk)
        lastGood.withLockedValue { lastGood in
            for source in sources { lastGood[source] = pass.contents(of: source, after: lastGood[source]) }
        }
        return Reading(whitelist: Whitelist(pass.parts), warnings: pass.warnings, notes: pass.notes)
    }

    /// When the files that were last read were changed; nil where there are none, as before the first reading.
    ///
    /// Looks at no file.
    public var times: ListTimes? { ListTimes(stamps.withLockedValue { $0.whenRead }) }

    /// Whether files are other ones than those that were read, and have been so at the look before, too: what is just
    /// being written is left alone.
    ///
    /// Blocks while it looks at the files.
    public func haveChanged(through access: FileAccess = .direct) -> Bool {
        let now = currentStamps(access)
        return stamps.withLockedValue { stamps in
            defer { stamps.before = now }
            return now != stamps.whenRead && now == stamps.before
        }
    }

    /// Whether files are other ones than those that were read.
    ///
    /// Blocks while it looks at the files.
    public func areOutdated(through access: FileAccess = .direct) -> Bool {
        let now = currentStamps(access)
        return stamps.withLockedValue { now != $0.whenRead }
    }

    /// Whether sources that are no files hold something else than what was read; those that can't be read now don't.
    ///
    /// Reads them, and blocks meanwhile.
    public func haveChangedRemotely() -> Bool {
        remotes.contains { $0.hasChanged() }
    }

    private var remotes: [RemoteSource] {
        sources.flatMap { source -> [RemoteSource] in
            guard case .documents(let documents) = source else { return [] }
            return documents.compactMap { if case .remote(let remote) = $0.form { remote } else { nil } }
        }
    }

    private func currentStamps(_ access: FileAccess) -> [FileStamp] {
        sources.flatMap { source in
            source.directories.map { FileStamp(path: $0, through: access) }
                + ((try? source.documents(through: access)) ?? []).filter(\.isFile)
                .map { FileStamp(path: $0.path, through: access) }
        }
    }
}

/// What is known of a source from its last good reading.
struct SourceContents: Sendable {
    /// Its files, in their order.
    var documents: [WhitelistDocument] = []
    /// The entries of each.
    var parts: [WhitelistDocument: WhitelistPart] = [:]
    /// Whether the next reading should have about as many entries.
    var isComparable = true

    /// How many entries there are.
    var count: Int { documents.reduce(0) { $0 + (parts[$1]?.count ?? 0) } }
}

/// One pass over all sources.
struct ReloadPass {
    let options: SourceOptions
    let access: FileAccess
    let acceptsShrunk: Bool
    /// What was read, each file once however many sources it belongs to.
    private(set) var parts: [WhitelistPart] = []
    private(set) var warnings: [String] = []
    /// What is said of entries that are in force.
    private(set) var notes: [String] = []
    private var counts = ConditionCount()
    private var digest = RemarkDigest()
    private var read: [WhitelistDocument: WhitelistPart] = [:]
    private var used: Set<WhitelistDocument> = []

    init(options: SourceOptions, access: FileAccess, acceptsShrunk: Bool) {
        self.options = options
        self.access = access
        self.acceptsShrunk = acceptsShrunk
    }

    /// Reads a source; what is to be kept of it until the next reading.
    mutating func contents(of source: WhitelistSource, after former: SourceContents?) -> SourceContents {
        var contents = SourceContents()
        contents.documents = documents(of: source, after: former)
        digest = RemarkDigest()
        for document in contents.documents {
            contents.parts[document] = part(of: document, after: former?.parts[document])
        }
        warnings += digest.messages(ofFaults: true).map { "whitelist \($0)" }
        notes += digest.messages(ofFaults: false).map { "whitelist \($0)" }
        if let former, former.isComparable, !acceptsShrunk, contents.count * 2 < former.count {
            warnings.append(
                "whitelist \(source.name): it has \(counted(contents.count, "entry", "entries")), and had \(former.count): "
                    + "more than half are "
                    + "gone; its last good reading stays until \"tprtctl whitelist accept\"")
            contents = former
        }
        for document in contents.documents where used.insert(document).inserted {
            if let part = contents.parts[document] { parts.append(part) }
        }
        return contents
    }

    private mutating func documents(of source: WhitelistSource, after former: SourceContents?) -> [WhitelistDocument] {
        do throws(WhitelistError) {
            return try source.documents(through: access)
        } catch {
            let consequence =
                former.map { "its last good reading stays (files: \($0.documents.count))" } ?? "it counts as empty"
            warnings.append("whitelist \(error); \(consequence)")
            return former?.documents ?? []
        }
    }

    private mutating func part(of document: WhitelistDocument, after former: WhitelistPart?) -> WhitelistPart? {
        if let part = read[document] { return part }
        do throws(WhitelistError) {
            let reading = try document.part(options, beside: counts, through: access)
            digest.add(reading.digest)
            read[document] = reading.entries
            counts.add(reading.entries.counts)
            return reading.entries
        } catch {
            let consequence =
                former.map { "its last good reading stays (entries: \($0.count))" } ?? "it counts as empty"
            warnings.append("whitelist \(error); \(consequence)")
            if let former { counts.add(former.counts) }
            return former
        }
    }
}
