import NIOConcurrencyHelpers
public import Whitelists

/// The sources of a whitelist, in their order.
///
/// A file that can't be read keeps the entries of its last good reading, and so does a folder.
public final class WhitelistSources: Sendable {
    /// What a reading brought.
    public struct Reading: Sendable {
        /// All entries of all sources.
        public var whitelist: Whitelist
        /// What is wrong, a sentence each; none of it keeps the rest from being used.
        public var warnings: [String]
    }

    private struct LastGood: Sendable {
        var documents: [WhitelistSource: [WhitelistDocument]] = [:]
        var parts: [WhitelistDocument: WhitelistPart] = [:]
    }

    /// What the files looked like.
    private struct Looks: Sendable {
        /// When they were read.
        var whenRead: [FileLook] = []
        /// When they were last looked at.
        var before: [FileLook] = []
    }

    private let sources: [WhitelistSource]
    private let terms: SourceTerms
    private let lastGood = NIOLockedValueBox(LastGood())
    private let looks = NIOLockedValueBox(Looks())

    /// Sources by their URLs.
    ///
    /// - Parameter remote: makes those that are no files
    public init(
        urls: [String], terms: SourceTerms, remote: WhitelistSource.RemoteSources = { _ in nil }
    ) throws(WhitelistFault) {
        var sources: [WhitelistSource] = []
        for url in urls { sources.append(try WhitelistSource(url, remote: remote)) }
        self.sources = sources
        self.terms = terms
    }

    /// The files that are read, and the folders whose files are.
    public var places: (files: [String], folders: [String]) {
        let files = sources.flatMap { source in
            if case .documents(let documents) = source { documents.filter(\.isFile).map(\.path) } else { [String]() }
        }
        return (files, sources.flatMap(\.folders))
    }

    /// Reads all sources anew.
    ///
    /// Blocks while it reads files.
    public func read(through access: FileAccess = .direct) -> Reading {
        // Before the reading: what changes meanwhile is noticed at the next look.
        let now = look(access)
        looks.withLockedValue { $0.whenRead = now }
        var warnings: [String] = []
        let parts = lastGood.withLockedValue { lastGood in
            var parts: [WhitelistDocument: WhitelistPart] = [:]
            var order: [WhitelistDocument] = []
            for source in sources {
                let documents = documents(of: source, access, &lastGood, &warnings)
                for document in documents where parts[document] == nil {
                    order.append(document)
                    parts[document] = part(of: document, access, lastGood.parts[document], &warnings)
                }
            }
            lastGood.parts = parts
            return order.compactMap { parts[$0] }
        }
        return Reading(whitelist: Whitelist(parts), warnings: warnings)
    }

    /// Whether files are other ones than those that were read, and have been so at the look before, too: what is just
    /// being written is left alone.
    ///
    /// Blocks while it looks at the files.
    public func haveChanged(through access: FileAccess = .direct) -> Bool {
        let now = look(access)
        return looks.withLockedValue { looks in
            defer { looks.before = now }
            return now != looks.whenRead && now == looks.before
        }
    }

    private func look(_ access: FileAccess) -> [FileLook] {
        sources.flatMap { source in
            source.folders.map { FileLook(path: $0, through: access) }
                + ((try? source.documents(through: access)) ?? []).filter(\.isFile)
                .map { FileLook(path: $0.path, through: access) }
        }
    }

    private func documents(
        of source: WhitelistSource, _ access: FileAccess, _ lastGood: inout LastGood, _ warnings: inout [String]
    ) -> [WhitelistDocument] {
        do throws(WhitelistFault) {
            let documents = try source.documents(through: access)
            lastGood.documents[source] = documents
            return documents
        } catch {
            let former = lastGood.documents[source]
            let consequence = former.map { "its last good reading stays (files: \($0.count))" } ?? "it counts as empty"
            warnings.append("whitelist \(error); \(consequence)")
            return former ?? []
        }
    }

    private func part(
        of document: WhitelistDocument, _ access: FileAccess, _ former: WhitelistPart?, _ warnings: inout [String]
    ) -> WhitelistPart? {
        do throws(WhitelistFault) {
            let reading = try document.part(terms, through: access)
            warnings += reading.complaints.map { "whitelist \($0)" }
            return reading.entries
        } catch {
            let consequence =
                former.map { "its last good reading stays (entries: \($0.count))" } ?? "it counts as empty"
            warnings.append("whitelist \(error); \(consequence)")
            return former
        }
    }
}
