import JSONText
import Programs
import WhitelistFiles

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
