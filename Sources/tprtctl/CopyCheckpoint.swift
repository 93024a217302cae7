import Storage

/// How far a copy has come, for the run that goes on with it.
struct CopyCheckpoint: Equatable {
    /// How far a table is copied.
    struct Progress: Equatable {
        var table: Table
        var counts = CopyCounts()
        /// Where to go on; nil at the beginning, and at the end.
        var cursor: Cursor?
        var isDone = false
    }

    /// The tables in their order.
    var tables: [Progress]
    /// What the files of source and target were known by.
    var files = "- -"

    /// The beginning of a copy.
    init(_ tables: [Table]) {
        self.tables = tables.map { Progress(table: $0) }
    }

    /// Everything up to here.
    var read: Int { tables.reduce(0) { $0 + $1.counts.read } }

    /// Those that were handed over.
    var copied: Int { tables.reduce(0) { $0 + $1.counts.copied } }
}

/// The text of a checkpoint: a line of the form, a line of what is copied, one of the files, a line for
/// each table, and `end`.
extension CopyCheckpoint {
    private static let form = "tprt-copy 2"

    /// The text.
    ///
    /// - Parameter title: what is copied, for people
    func text(title: String) -> String {
        let lines = tables.map { progress in
            let counts = progress.counts
            let numbers = [counts.read, counts.copied, counts.expired, counts.milliseconds].map(String.init)
            let position = progress.isDone ? "done" : progress.cursor.map { hexadecimal($0.bytes) } ?? "begin"
            return ([TableName(progress.table).rawValue] + numbers + [position]).joined(separator: " ")
        }
        return ([Self.form, title, files] + lines + ["end", ""]).joined(separator: "\n")
    }

    /// The checkpoint that a text stands for; nil where it is no such text, or not of a copy of these tables.
    init?(text: String, tables: [Table]) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == tables.count + 5, lines[0] == Self.form, lines.suffix(2) == ["end", ""] else {
            return nil
        }
        self.init([])
        files = String(lines[2])
        for (table, line) in zip(tables, lines.dropFirst(3)) {
            guard let progress = Progress(line: line, table: table) else { return nil }
            self.tables.append(progress)
        }
    }
}

extension CopyCheckpoint.Progress {
    fileprivate init?(line: Substring, table: Table) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        let numbers = fields.dropFirst().prefix(4).compactMap { Int($0) }.filter { $0 >= 0 }
        guard fields.count == 6, fields[0] == TableName(table).rawValue, numbers.count == 4 else { return nil }
        self.init(table: table)
        counts = CopyCounts(read: numbers[0], copied: numbers[1], expired: numbers[2], milliseconds: numbers[3])
        switch fields[5] {
        case "done": isDone = true
        case "begin": break
        case let digits:
            guard let bytes = bytes(hexadecimal: digits) else { return nil }
            cursor = Cursor(bytes)
        }
    }
}

/// Two lower-case digits for each byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The bytes of at least one pair of digits.
private func bytes(hexadecimal text: Substring) -> [UInt8]? {
    let digits = text.compactMap { $0.isASCII ? $0.hexDigitValue : nil }
    guard !digits.isEmpty, digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
