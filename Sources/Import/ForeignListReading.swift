public import Whitelists

/// A whitelist of another program, read as a whole.
public struct ForeignListReading: Sendable {
    /// Its entries, each with its line.
    public let entries: [WhitelistEntry]
    /// The first of the lines that were left out.
    public let leftOut: [LeftOutLine]
    /// How many more there are.
    public let untold: Int

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - name: its name, for messages
    ///   - options: what the readers have to be told
    /// - Throws: where it is something else
    public init(_ kind: ForeignListKind, _ bytes: [UInt8], name: String, options: ImportOptions) throws(ImportError) {
        var parser = ImportParser(.whitelist(kind), options: options)
        parser.begin(file: name)
        try parser.feed(bytes.span)
        try parser.end()
        try parser.finish()
        entries = parser.takeEntries().compactMap { if case .whitelist(let entry) = $0 { entry } else { nil } }
        leftOut = parser.counts.told
        untold = parser.counts.leftOut.values.reduce(0, +) - leftOut.count
    }
}
