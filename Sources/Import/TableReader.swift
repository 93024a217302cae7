/// Reads tables of SQL databases as text: with or without a heading, or as `pg_dump` writes them.
struct TableReader {
    private enum Place {
        case start
        /// In the lines of a table.
        case rows(ForeignTable, places: [Int])
        /// In the lines of a table that isn't read, or of SQL between two tables.
        case otherRows, sql
    }

    private let format: ImportFormat
    private let tables: [ForeignTable]
    /// What the table is said to be.
    private let hint: String?
    private var place = Place.start
    /// Whether it is what `pg_dump` writes.
    private var isDump = false
    private var fields = DelimitedText()

    /// A reader of one file.
    ///
    /// - Parameter table: the name of the table; nil: it follows from the heading, or else from the number of columns
    init(_ format: ImportFormat, table: String?) {
        self.format = format
        tables = ForeignTable.tables(of: format)
        hint = table
    }

    mutating func read(_ line: Span<UInt8>, into outlet: inout Outlet) throws(ImportError) {
        switch place {
        case .start: try begin(line, &outlet)
        case .rows(let table, let places):
            if isDump, line.isSame(as: "\\.") {
                place = .sql
                return outlet.skip()
            }
            take(line, table, places, &outlet)
        case .otherRows:
            outlet.skip()
            if line.isSame(as: "\\.") { place = .sql }
        case .sql: readSQL(line, &outlet)
        }
    }

    /// The file has ended.
    func finish(_ outlet: Outlet) throws(ImportError) {
        guard isDump else { return }
        if case .sql = place { return }
        throw ImportError(
            .incomplete, outlet.file, line: outlet.line,
            "the dump is cut off (expected \\.); what was read is whole: dump the table again and rerun")
    }

    private mutating func take(
        _ line: Span<UInt8>, _ table: ForeignTable, _ places: [Int], _ outlet: inout Outlet
    ) {
        if line.count == 0, table.columns.count > 1 { return outlet.skip() }
        guard fields.cut(line), let widest = places.max(), fields.count > widest else {
            return outlet.leaveOut(.malformed)
        }
        TableRow(table: table, fields: fields, places: places).take(into: &outlet)
    }

    // MARK: What it is

    private mutating func begin(_ line: Span<UInt8>, _ outlet: inout Outlet) throws(ImportError) {
        if line.trimmed.isEmpty { return outlet.skip() }
        // A mark that some programs put before UTF-8.
        let bytes = line.starts(with: "\u{feff}") ? line.extracting(3..<line.count) : line
        if bytes.starts(with: "--") || bytes.starts(with: "copy "), !bytes.starts(with: "-- mysql") {
            isDump = true
            place = .sql
            fields.dialect = .tabs
            return readSQL(bytes, &outlet)
        }
        fields.dialect = DelimitedText.Dialect(bytes)
        let guess = Guess(bytes)
        guard fields.cut(bytes), !bytes.hasControls, guess.canBeTable else {
            throw ImportError(.otherFormat, outlet.file, line: outlet.line, "not \(format.name)\(guess.advice)")
        }
        if isHeading || !outlet.options.columnNames.isEmpty {
            try readHeading(&outlet)
            return outlet.skip()
        }
        let (table, places) = try chosen(&outlet)
        place = .rows(table, places: places)
        take(bytes, table, places, &outlet)
    }

    /// Whether the fields are names of columns: words without a digit, a dot or an `@`, which every row has.
    private var isHeading: Bool {
        for index in 0..<fields.count {
            let isName = fields.read(index) { field in
                for place in field.indices {
                    let byte = field[place]
                    let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    guard isLetter || byte == UInt8(ascii: "_") else { return false }
                }
                return field.count > 0
            }
            guard isName else { return false }
        }
        // A table with one column may have a top-level domain.
        return fields.count > 1 || tables.contains { $0.columns == fields.names }
    }

    private mutating func readHeading(_ outlet: inout Outlet) throws(ImportError) {
        let names = fields.names.map { outlet.options.columnNames[$0] ?? $0 }
        let possible = hinted.filter { $0.places(in: names) != nil }
        let most = possible.map(\.columns.count).max() ?? 0
        let best = possible.filter { $0.columns.count == most }
        guard let table = best.first, let places = table.places(in: names) else {
            let expected = hinted.map { "\($0.name) (\($0.columns.joined(separator: ", ")))" }
            throw ImportError(
                .otherColumns, outlet.file, line: outlet.line,
                "the columns are \(shown(names.joined(separator: ", "))); expected those of "
                    + expected.joined(separator: " or "))
        }
        guard best.count == 1 else { throw ambiguous(best, outlet) }
        place = .rows(table, places: places)
    }

    /// The table of a line without a heading.
    private func chosen(_ outlet: inout Outlet) throws(ImportError) -> (ForeignTable, [Int]) {
        let possible = hinted.compactMap { table in
            table.places(of: fields.count).map { (table: table, places: $0) }
        }
        let fitting = possible.filter { TableRow(table: $0.table, fields: fields, places: $0.places).hasForm }
        let best = fitting.isEmpty ? possible : fitting
        guard let choice = best.first else {
            let expected = hinted.map { "\($0.name) (\($0.columns.joined(separator: ", ")))" }
            throw ImportError(
                .otherColumns, outlet.file, line: outlet.line,
                "there are \(fields.count) columns; expected those of " + expected.joined(separator: " or "))
        }
        guard best.count == 1 else { throw ambiguous(best.map(\.table), outlet) }
        return choice
    }

    private func ambiguous(_ tables: [ForeignTable], _ outlet: Outlet) -> ImportError {
        let names = tables.map(\.name).joined(separator: ", ")
        return ImportError(
            .otherColumns, outlet.file, line: outlet.line, "it could be \(names): say which table it is")
    }

    /// The tables that it may be.
    private var hinted: [ForeignTable] {
        let named = tables.filter { $0.name == hint }
        return named.isEmpty ? tables : named
    }

    // MARK: pg_dump

    /// Looks for `COPY public.connect (sender_name, sender_domain, src, rcpt, first_seen) FROM stdin;`.
    private mutating func readSQL(_ line: Span<UInt8>, _ outlet: inout Outlet) {
        outlet.skip()
        guard line.starts(with: "copy "), let open = line.firstIndex(of: UInt8(ascii: "(")),
            let close = line.firstIndex(of: UInt8(ascii: ")"), from: open),
            line.extracting(close..<line.count).firstRange(of: "FROM stdin") != nil
        else { return }
        let name = line.extracting(5..<open).text.filter { $0 != "\"" && $0 != " " }
        let heading = line.extracting(open + 1..<close).text.lowercased().split(separator: ",").map {
            String($0.filter { $0 != "\"" && $0 != " " })
        }
        let table = name.split(separator: ".").last.map(String.init)
        if let known = tables.first(where: { $0.name == table }), let places = known.places(in: heading) {
            place = .rows(known, places: places)
        } else {
            place = .otherRows
        }
    }
}

extension Guess {
    /// Whether nothing speaks against a table.
    fileprivate var canBeTable: Bool {
        switch self {
        case .nothing: true
        default: false
        }
    }
}

extension Span<UInt8> {
    /// Whether it has control characters but tabs.
    fileprivate var hasControls: Bool {
        for index in indices where self[index] < 0x20 && self[index] != 0x09 { return true }
        return false
    }
}
