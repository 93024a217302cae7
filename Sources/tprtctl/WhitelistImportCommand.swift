import ArgumentParser
import JSONText
import Programs
import WhitelistFiles
import Whitelists

/// `tprtctl whitelist import`.
struct WhitelistImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Put the entries of whitelists into a Redis.",
        discussion: """
            The layout is that of wl_importer.py of TPRT 0.9.3. An entry that is there already stays as it is; an entry \
            whose name is there already takes its place; all others come behind those of their list. Where any entry is \
            faulty, nothing is written, and the status is 65. Readers see all lists as they were or as they are then \
            (in a Redis Cluster, each list by itself).
            """)

    @OptionGroup var selection: WhitelistSelection

    @Option(help: ArgumentHelp("Where to: redis://host/0 or any other URL of a Redis.", valueName: "redis-url"))
    var to: String

    @Option(help: ArgumentHelp("Put all entries into this list.", valueName: "name"))
    var list: String?

    @Flag(help: "Remove all other entries of the lists that are written.")
    var replace = false

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard !selection.sources.isEmpty else { throw ValidationError("no source is named") }
    }

    func run() throws {
        guard let redis = try WhitelistTarget.redis(at: to) else {
            throw ProgramError(
                .usage, "--to: \(WhitelistTarget.shown(to)) is no URL of a Redis (such as redis://host/0)")
        }
        let source = try selection.lists()
        let report = try merge(list.map { source.lists.joined(as: $0) } ?? source.lists, into: redis)
        ProgressBar.wipe()
        try say(json ? report.json.text : report.text)
        if !source.honoursPatterns, source.lists.lists.contains(where: { $0.entries.contains { $0.hasPattern } }) {
            note("regular expressions are among them: tprtd honours them only with service.allow_wl_regex")
        }
    }

    private func merge(_ source: EntryLists, into redis: RedisWhitelists) throws(ProgramError) -> ImportReport {
        let state = try redis.read()
        var merged: [RemoteList] = []
        do throws(WhitelistError) {
            for list in source.lists {
                var target = try state.list(list.name)
                try target.merge(list.entries, replaces: replace)
                merged.append(target)
            }
        } catch {
            throw ProgramError(.dataError, ["\(redis.name): \(error)", "nothing was written"])
        }
        let changed = merged.filter(\.differs)
        for list in changed {
            for message in state.messages(of: list.name) { note("\(redis.name): \(message): it is left out") }
        }
        if !dryRun, !changed.isEmpty {
            let start = ContinuousClock.now
            var bar = ProgressBar()
            try redis.write(changed, over: state) { done, total in
                bar.show(ProgressLine(read: done, total: total, elapsed: ContinuousClock.now - start))
            }
        }
        return ImportReport(target: redis.name, isDryRun: dryRun, lists: merged)
    }
}

extension WhitelistEntry {
    /// Whether it has a regular expression in it.
    var hasPattern: Bool { condition.hasPattern }
}

extension Condition {
    fileprivate var hasPattern: Bool {
        switch self {
        case .pattern: true
        case .all(let parts), .any(let parts): parts.contains(where: \.hasPattern)
        case .not(let part): part.hasPattern
        default: false
        }
    }
}

/// What an import came to.
struct ImportReport {
    let target: String
    let isDryRun: Bool
    let lists: [RemoteList]

    /// A table for people; in a dry run below a line for each change.
    var text: String {
        let verbs = isDryRun ? ["to add", "to change", "to remove"] : ["added", "changed", "removed"]
        let head = ["list"] + verbs + ["unchanged"]
        let rows = lists.map { list in
            let changes = list.changes
            return [bareOrQuoted(list.name)]
                + [changes.added.count, changes.changed.count, changes.removed.count, changes.unchanged].map(grouped)
        }
        return (isDryRun ? lines : []).joined() + TextTable(head: head, rows: rows).text
    }

    private var lines: [String] {
        lists.flatMap { list in
            let name = bareOrQuoted(list.name)
            return list.changes.added.map { "+ \(name): \($0.text)\n" }
                + list.changes.changed.map { "~ \(name): \($0.text)\n" }
                + list.changes.removed.map { "- \(name): \(bareOrQuoted($0))\n" }
                + (list.isOnlyReordered ? ["~ \(name): the order of its entries\n"] : [])
        }
    }

    /// One JSON object.
    var json: JSONValue {
        .object([
            "to": .string(target), "dry_run": .bool(isDryRun),
            "lists": .array(
                lists.map { list in
                    let changes = list.changes
                    return .object([
                        "name": .string(list.name), "added": .int(changes.added.count),
                        "changed": .int(changes.changed.count), "removed": .int(changes.removed.count),
                        "unchanged": .int(changes.unchanged),
                    ])
                }),
        ])
    }
}

extension RemoteList {
    /// Whether it has the same entries, at other places.
    fileprivate var isOnlyReordered: Bool {
        isKnown && differs && changes.added.isEmpty && changes.changed.isEmpty && changes.removed.isEmpty
    }
}

/// `tprtctl whitelist export`.
struct WhitelistExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the entries of whitelists as one JSON file.",
        discussion: """
            The same entries always give the same text, so that it can be compared and versioned. Lists of the same \
            name are joined. Where any entry is faulty, nothing is written, and the status is 65.
            """)

    @OptionGroup var selection: WhitelistSelection

    @Option(
        name: [.short, .long], help: ArgumentHelp("Write this file, whole or not at all.", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        let text = try selection.lists().lists.text
        guard let output else { return try say(text, terminator: "") }
        try FileReplacement(of: output).replace(by: Array(text.utf8))
    }
}
