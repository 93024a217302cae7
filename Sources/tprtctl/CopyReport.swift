import JSONText
import Storage

/// What a copy came to.
struct CopyReport {
    let source: String
    let target: String
    let isDryRun: Bool
    let tables: [CopyCheckpoint.Progress]
    /// What of the source couldn't be read.
    var flaw: String?

    /// A table for people.
    var text: String {
        let head = ["table", "read", isDryRun ? "to copy" : "copied", "expired", "seconds"]
        let rows = tables.map { progress in
            let counts = progress.counts
            return [TableName(progress.table).rawValue] + [counts.read, counts.copied, counts.expired].map(grouped)
                + [seconds(counts.milliseconds, digits: 1)]
        }
        return TextTable(head: head, rows: rows).text
    }

    /// One JSON object.
    var json: String {
        let tables = tables.map { progress in
            let counts = progress.counts
            return "{\"table\": \(quoted(TableName(progress.table).rawValue)), \"read\": \(counts.read), "
                + "\"copied\": \(isDryRun ? 0 : counts.copied), \"expired\": \(counts.expired), "
                + "\"seconds\": \(seconds(counts.milliseconds, digits: 3))}"
        }
        return "{\"from\": \(quoted(source)), \"to\": \(quoted(target)), \"dry_run\": \(isDryRun), "
            + "\"tables\": [\(tables.joined(separator: ", "))]}"
    }

    private func seconds(_ milliseconds: Int, digits: Int) -> String {
        let fraction = String(milliseconds % 1_000)
        let thousandths = String(repeating: "0", count: 3 - fraction.count) + fraction
        return "\(milliseconds / 1_000).\(thousandths.prefix(digits))"
    }
}
