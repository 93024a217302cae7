/// Reads one or more texts of a foreign greylister, in pieces of any size, and gives the entries in them.
///
/// It does no I/O, and its memory is bounded: by the longest line, by what `ImportOptions.mostJoined` allows, and by the
/// entries of the pieces that were fed since `takeEntries`.
struct ImportParser {
    private let format: ImportFormat
    private var outlet: Outlet
    private var splitter = LineSplitter()
    private var reader: TextReader
    /// How many lines without a single entry are read before it is clear that it is something else.
    private static let patience = 10_000

    /// A parser that hasn't read anything.
    init(_ format: ImportFormat, options: ImportOptions) {
        self.format = format
        outlet = Outlet(options, file: "-")
        reader = TextReader(format, table: nil)
    }

    /// What became of the lines so far.
    var counts: ImportCounts { outlet.counts }

    /// Another text begins.
    ///
    /// - Parameters:
    ///   - file: its name, for messages
    ///   - table: the table that it is, where it is one; by default it follows from the text
    mutating func begin(file: String, table: String? = nil) {
        outlet.file = shown(file)
        outlet.line = 0
        splitter = LineSplitter()
        reader.begin(format, table: table)
    }

    /// Reads the next piece of a text.
    mutating func feed(_ piece: Span<UInt8>) throws(ImportError) {
        var splitter = LineSplitter()
        swap(&splitter, &self.splitter)
        defer { swap(&splitter, &self.splitter) }
        try splitter.feed(piece) { (line) throws(ImportError) in try read(line) }
    }

    /// A text has ended.
    mutating func end() throws(ImportError) {
        var splitter = LineSplitter()
        swap(&splitter, &self.splitter)
        try splitter.finish { (line) throws(ImportError) in try read(line) }
        try reader.end(&outlet)
    }

    /// All texts are read.
    ///
    /// - Throws: where nothing in them was what it was said to be
    mutating func finish() throws(ImportError) {
        reader.finish(&outlet)
        try Self.check(outlet, format)
    }

    /// Hands over the entries that were read since the last time.
    mutating func takeEntries() -> [ImportedEntry] { outlet.drain() }

    private mutating func read(_ line: Span<UInt8>?) throws(ImportError) {
        outlet.countLine()
        if let line { try reader.read(line, into: &outlet) } else { try reader.skipLong(&outlet) }
        if outlet.line == Self.patience { try Self.check(outlet, format) }
    }

    /// Something of which no line is good is something else.
    private static func check(_ outlet: Outlet, _ format: ImportFormat) throws(ImportError) {
        let counts = outlet.counts
        guard counts.entries == 0, counts.leftOutLines > 0, let first = counts.told.first else { return }
        let unpaired = counts.leftOut[.unpaired] ?? 0
        if unpaired > 0, counts.leftOut.count == 1 {
            throw ImportError(
                .incomplete, outlet.file,
                "the files states and triplets have no hash in common: both are needed, of the same moment")
        }
        let isOther = [.malformed, .address, .lineTooLong, .condition].contains { counts.leftOut[$0] ?? 0 > 0 }
        guard isOther else { return }
        throw ImportError(
            .otherFormat, first.file, line: first.line,
            "not \(format.name): none of \(counts.leftOutLines) lines could be read (first: \(first.reason.message))")
    }
}
