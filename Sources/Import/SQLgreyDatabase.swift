import FoundationEssentials
import GRDB
import Greylist

/// Reads sqlgrey's SQLite file, slice by slice.
///
/// It is opened for reading only, and between two slices it isn't locked, so that sqlgrey goes on.
public struct SQLgreyDatabase {
    /// Rows in a slice.
    private static let slice = 5_000

    private let queue: DatabaseQueue
    private let path: String
    private var outlet: Outlet
    private let allTables: [ForeignTable]
    private var tables: [ForeignTable]
    /// The row that was read last of the first table in `tables`.
    private var row: Int64?

    /// Opens the file.
    ///
    /// - Parameter patience: how many seconds to wait for a lock of sqlgrey's
    public init(path: String, options: ImportOptions, patience: Double = 5) throws(ImportError) {
        self.path = path
        outlet = Outlet(options, file: shown(path))
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(patience)
        configuration.label = "sqlgrey"
        // Pairs of optin and optout are read with the narrower ones first, since the first entry that matches decides.
        let known = ForeignTable.tables(of: .database(.sqlgrey))
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let names = try queue.read { database in
                try String.fetchAll(database, sql: "SELECT lower(name) FROM sqlite_master WHERE type = 'table'")
            }
            tables = known.filter { names.contains($0.name) }
            allTables = tables
        } catch {
            throw ImportError(error, path)
        }
        guard tables.contains(.connect) else {
            throw ImportError(.otherFormat, path, "not sqlgrey's database: it has no table connect")
        }
    }

    /// What became of the rows so far, which count as lines.
    public var counts: ImportCounts { outlet.counts }

    /// Goes back to the beginning.
    public mutating func restart() {
        outlet = Outlet(outlet.options, file: shown(path))
        (tables, row) = (allTables, nil)
    }

    /// How many rows there are, for a progress bar.
    public func count() throws(ImportError) -> Int {
        do {
            return try queue.read { database in
                try ForeignTable.tables(of: .database(.sqlgrey)).reduce(0) { sum, table in
                    guard try database.tableExists(table.name) else { return sum }
                    return try sum + (Int.fetchOne(database, sql: "SELECT count(*) FROM \(table.name)") ?? 0)
                }
            }
        } catch {
            throw ImportError(error, path)
        }
    }

    /// The next entries, perhaps none; nil when all are read.
    ///
    /// May block.
    public mutating func next() throws(ImportError) -> [ImportedEntry]? {
        guard let table = tables.first else { return nil }
        do {
            let last = try queue.read { database in try read(table, after: row, of: database) }
            if last == nil { tables.removeFirst() }
            row = last
        } catch {
            throw ImportError(error, path)
        }
        return outlet.drain()
    }

    /// Reads a slice; returns its last row, nil where there is none left.
    private mutating func read(_ table: ForeignTable, after row: Int64?, of database: Database) throws -> Int64? {
        // A text longer than any that is kept is told by its length alone, so that it never comes into memory.
        let limit = LineSplitter.longest
        let columns = table.columns.map {
            "CASE WHEN length(CAST(\($0) AS BLOB)) > \(limit) THEN NULL ELSE CAST(\($0) AS BLOB) END"
        }
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT rowid, \(columns.joined(separator: ", ")) FROM \(table.name)
                WHERE rowid > ? ORDER BY rowid LIMIT \(Self.slice)
                """, arguments: [row ?? .min])
        var (last, count) = (row, 0)
        var fields = DelimitedText()
        let places = Array(table.columns.indices)
        while let found = try rows.next() {
            count += 1
            last = found[0]
            outlet.countLine()
            fields.removeAll()
            var isWhole = true
            for place in places {
                let hasField = try found.withUnsafeData(atIndex: place + 1) { data in
                    guard let data else { return false }
                    data.withUnsafeBytes { fields.append(bytes: $0) }
                    return true
                }
                if !hasField { isWhole = false }
            }
            guard isWhole else {
                outlet.leaveOut(.malformed)
                continue
            }
            TableRow(table: table, fields: fields, places: places).take(into: &outlet)
        }
        return count < Self.slice ? nil : last
    }
}

extension ImportError {
    /// What SQLite says.
    fileprivate init(_ error: any Error, _ path: String) {
        guard let error = error as? DatabaseError else {
            self.init(.unreadable, path, "it can't be read (\(shown("\(error)")))")
            return
        }
        let message = shown(error.message ?? "SQLite error \(error.resultCode.rawValue)")
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.locked, path, "another program has locked it: stop sqlgrey, or try again")
        case .SQLITE_NOTADB: self.init(.otherFormat, path, "not an SQLite database")
        case .SQLITE_CORRUPT: self.init(.incomplete, path, "the database is damaged (\(message))")
        case .SQLITE_ERROR: self.init(.otherColumns, path, "not sqlgrey's tables (\(message))")
        default: self.init(.unreadable, path, "it can't be read (\(message))")
        }
    }
}
