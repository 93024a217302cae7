import Import
import JSONText
import Storage

/// What an import came to.
struct ImportSummary {
    /// What became of the entries of a table.
    struct Counts {
        /// Entries that could be read.
        var read = 0
        /// Those that were handed over, or would be; what the store knew already among them.
        var imported = 0
        /// Those that the store didn't know; nil where it can't tell.
        var new: Int? = 0
        var expired = 0
        /// Those that pass by a whitelist.
        var whitelisted = 0
    }

    let kind: ImportKind
    /// Where they went; nil for nowhere.
    let target: String?
    /// Whether the auto-whitelist is on; else its entries are counted only.
    let hasAutoWhitelist: Bool
    var tables = PerTable<Counts> { _ in Counts() }
    /// What became of the lines.
    var counts = ImportCounts()
    /// Entries that could be read, but can't be this site's.
    var misplaced: [LeftOutReason: Int] = [:]
    /// Entries of whitelists.
    var whitelistEntries = 0
    /// Where those were written; nil for nowhere.
    var whitelistFile: String?
    /// How long it took.
    var seconds = 0.0

    private static let shownTables = [Table.greylist, .autoWhitelist]

    /// How many were left out for each reason, those in the order of their declaration.
    private var leftOut: [(reason: LeftOutReason, count: Int)] {
        LeftOutReason.allCases.compactMap { reason in
            let count = (counts.leftOut[reason] ?? 0) + (misplaced[reason] ?? 0)
            return count > 0 ? (reason, count) : nil
        }
    }

    /// The first line that was left out for a reason, where it is known.
    private func first(_ reason: LeftOutReason) -> LeftOutLine? { counts.told.first { $0.reason == reason } }

    /// A table for people, and what else is to be said.
    var text: String {
        let head = ["table", "read", target == nil ? "to import" : "imported", "new", "expired", "whitelisted"]
        let rows = Self.shownTables.map { table in
            let counts = tables[table]
            let numbers = [counts.read, counts.imported].map(grouped)
            let new = target == nil ? "-" : counts.new.map(grouped) ?? "-"
            return [TableName(table).rawValue] + numbers + [new] + [counts.expired, counts.whitelisted].map(grouped)
        }
        var lines = [TextTable(head: head, rows: rows).text]
        if let target { lines.insert("into \(target):", at: 0) }
        if !hasAutoWhitelist, tables[.autoWhitelist].read > 0 {
            lines.append("the auto-whitelist is off (service.awl_client_count): its entries were left out")
        }
        if whitelistEntries > 0 {
            let count = counted(whitelistEntries, "whitelist entry", "whitelist entries")
            lines.append(
                whitelistFile.map { "\(count): in \($0)" } ?? "\(count): left out (--whitelist-file writes them)")
        }
        let all = leftOut
        if !all.isEmpty {
            lines.append("left out: \(counted(all.reduce(0) { $0 + $1.count }, "entry", "entries"))")
            lines += all.map { reason, count in
                let example = first(reason).map { line in
                    " (first: \(line.file):\(line.line)\(line.detail.map { ", \($0)" } ?? ""))"
                }
                return "  \(grouped(count)): \(reason.message)\(example ?? "")"
            }
        }
        return lines.joined(separator: "\n")
    }

    /// Sentences for a log.
    var sentences: [String] {
        let (triplets, clients) = (tables[.greylist], tables[.autoWhitelist])
        func count(_ counts: Counts, _ one: String, _ many: String) -> String {
            let new = counts.new.map { " (\(grouped($0)) of them new)" } ?? ""
            return "\(grouped(counts.imported)) \(counts.imported == 1 ? one : many)\(new)"
        }
        let taken = "\(count(triplets, "triplet", "triplets")), \(count(clients, "client", "clients"))"
        let passed = triplets.whitelisted + clients.whitelisted
        let skipped = [(triplets.expired + clients.expired, "expired"), (passed, "whitelisted anyway")]
            .filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }
        return ["imported \(taken)\(skipped.isEmpty ? "" : "; not needed: \(skipped.joined(separator: ", "))")"]
            + leftOut.map { reason, count in
                let example = first(reason).map { " (first: \($0.file):\($0.line))" } ?? ""
                return "left out \(counted(count, "entry", "entries")): \(reason.message)\(example)"
            }
    }

    /// One JSON object.
    var json: JSONValue {
        let rows = Self.shownTables.map { table in
            let counts = tables[table]
            return JSONValue.object([
                "table": .string(TableName(table).rawValue), "read": .int(counts.read),
                "imported": .int(target == nil ? 0 : counts.imported),
                "new": target == nil ? .null : counts.new.map { .int($0) } ?? .null,
                "expired": .int(counts.expired), "whitelisted": .int(counts.whitelisted),
            ])
        }
        let reasons = leftOut.map { reason, count in
            JSONValue.object([
                "reason": .string(reason.rawValue), "message": .string(reason.message), "count": .int(count),
            ])
        }
        return .object([
            "from": .string(kind.rawValue), "to": target.map { .string($0) } ?? .null, "dry_run": .bool(target == nil),
            "tables": .array(rows), "lines": .int(counts.lines), "whitelist_entries": .int(whitelistEntries),
            "left_out": .array(reasons), "left_out_lines": .array(counts.told.map { .string($0.description) }),
            "milliseconds": .int(Int(seconds * 1_000)),
        ])
    }
}
