import Greylist

/// The readers of all formats of text.
enum TextReader {
    case postgrey(BerkeleyDump)
    case postgreyLog(PostgreyLog)
    case table(TableReader)
    case greylistd(Greylistd)
    case milterGreylistDump, spamdb
    case sqlgreyNames, sqlgreyAddresses
    case milterGreylistACL(MilterGreylistACL)

    /// The reader of a format.
    ///
    /// - Parameter table: the name of the table that it is, where that is known
    init(_ format: ImportFormat, table: String?) {
        switch format {
        case .database(.postgrey): self = .postgrey(BerkeleyDump())
        case .database(.postgreyLog): self = .postgreyLog(PostgreyLog())
        case .database(.greylistd): self = .greylistd(Greylistd())
        case .database(.milterGreylist): self = .milterGreylistDump
        case .database(.spamdb): self = .spamdb
        case .database(.sqlgrey), .database(.gld), .database(.iredapd), .database(.cbpolicyd), .whitelist(.iredapd):
            self = .table(TableReader(format, table: table))
        case .whitelist(.sqlgreyNames): self = .sqlgreyNames
        case .whitelist(.sqlgreyAddresses): self = .sqlgreyAddresses
        case .whitelist(.milterGreylist): self = .milterGreylistACL(MilterGreylistACL())
        }
    }

    /// Another text of the same format begins.
    mutating func begin(_ format: ImportFormat, table: String?) {
        if case .greylistd(var reader) = self {
            reader.begin()
            self = .greylistd(reader)
        } else {
            self = TextReader(format, table: table)
        }
    }

    mutating func read(_ line: Span<UInt8>, into outlet: inout Outlet) throws(ImportError) {
        if outlet.line == 1 { try Self.refuseBinary(line, outlet) }
        switch self {
        case .postgrey(var reader):
            self = .spamdb
            defer { self = .postgrey(reader) }
            try reader.read(line, into: &outlet) { PostgreyEntries.take($0, $1, into: &$2) }
        case .postgreyLog(var reader):
            reader.read(line, into: &outlet)
            self = .postgreyLog(reader)
        case .table(var reader):
            self = .spamdb
            defer { self = .table(reader) }
            try reader.read(line, into: &outlet)
        case .greylistd(var reader):
            self = .spamdb
            defer { self = .greylistd(reader) }
            reader.read(line, into: &outlet)
        case .milterGreylistDump: MilterGreylistDump.read(line, into: &outlet)
        case .spamdb: SpamdbText.read(line, into: &outlet)
        case .sqlgreyNames: SQLgreyList.readName(line, into: &outlet)
        case .sqlgreyAddresses: SQLgreyList.readAddress(line, into: &outlet)
        case .milterGreylistACL(var reader):
            self = .spamdb
            defer { self = .milterGreylistACL(reader) }
            reader.read(line, into: &outlet)
        }
    }

    /// A line was too long to be kept.
    mutating func skipLong(_ outlet: inout Outlet) throws(ImportError) {
        if case .postgrey(var reader) = self {
            defer { self = .postgrey(reader) }
            return try reader.skipLong(&outlet)
        }
        outlet.leaveOut(.lineTooLong)
    }

    /// A text has ended.
    mutating func end(_ outlet: inout Outlet) throws(ImportError) {
        switch self {
        case .postgrey(var reader):
            defer { self = .postgrey(reader) }
            try reader.finish(&outlet)
        case .table(let reader): try reader.finish(outlet)
        case .postgreyLog(let reader): try reader.finish(outlet)
        case .milterGreylistACL(var reader):
            reader.finish(&outlet)
            self = .milterGreylistACL(reader)
        default: break
        }
    }

    /// All texts have ended.
    mutating func finish(_ outlet: inout Outlet) {
        guard case .greylistd(var reader) = self else { return }
        reader.finish(&outlet)
        self = .greylistd(reader)
    }

    /// No text begins as a database or a compressed file does.
    private static func refuseBinary(_ line: Span<UInt8>, _ outlet: Outlet) throws(ImportError) {
        let guess = Guess(line)
        switch guess {
        case .sqlite, .berkeley, .compressed:
            throw ImportError(.otherFormat, outlet.file, "not a text" + guess.advice)
        default: break
        }
    }
}
