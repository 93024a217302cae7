import JSONText
import Whitelists

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
    private var expressions = ExpressionCount()
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
        warnings += digest.sentences(ofFaults: true).map { "whitelist \($0)" }
        notes += digest.sentences(ofFaults: false).map { "whitelist \($0)" }
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
            let reading = try document.part(options, beside: expressions, through: access)
            digest.add(reading.digest)
            read[document] = reading.entries
            expressions.add(reading.entries.expressions)
            return reading.entries
        } catch {
            let consequence =
                former.map { "its last good reading stays (entries: \($0.count))" } ?? "it counts as empty"
            warnings.append("whitelist \(error); \(consequence)")
            if let former { expressions.add(former.expressions) }
            return former
        }
    }
}
