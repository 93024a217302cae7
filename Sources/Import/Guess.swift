/// What a file seems to be that isn't what it was said to be, so that the message can say what to do.
enum Guess {
    case sqlite, berkeley, dump, json, webPage, compressed, whitelist, sqlStatements, nothing

    /// Goes by the first bytes of a file, or by its first line.
    init(_ text: Span<UInt8>) {
        let start = text.trimmed.lowerBound
        let first = text.extracting(start..<text.count)
        if text.starts(with: "SQLite format 3") {
            self = .sqlite
        } else if text.hasBerkeleyMagic {
            self = .berkeley
        } else if text.count >= 2, text[0] == 0x1f, text[1] == 0x8b {
            self = .compressed
        } else if first.starts(with: "VERSION=") {
            self = .dump
        } else if first.starts(with: "{") {
            self = .json
        } else if first.starts(with: "<") {
            self = .webPage
        } else if first.starts(with: "insert into") || first.starts(with: "-- mysql dump") {
            self = .sqlStatements
        } else if first.starts(with: "#") || first.starts(with: "/") {
            self = .whitelist
        } else {
            self = .nothing
        }
    }

    /// The same as a part of a sentence; empty where nothing is known.
    var advice: String {
        switch self {
        case .sqlite: "; it is an SQLite database, of which only sqlgrey's can be imported"
        case .berkeley: "; it is a Berkeley DB: name its directory, or the output of \"db5.3_dump -p\" (db5.3-util)"
        case .dump: "; it is a db_dump: import it as postgrey"
        case .json: "; it is JSON: whitelists are for \"tprtctl whitelist import\""
        case .webPage: "; it looks like a web page"
        case .compressed: "; it is compressed: unpack it first"
        case .whitelist: "; it looks like a whitelist, which is for \"tprtctl whitelist import\""
        case .sqlStatements:
            "; it has SQL statements: write each table as text (mysql --batch -e \"SELECT * FROM table\", or COPY)"
        case .nothing: ""
        }
    }
}

extension Span<UInt8> {
    /// Whether these are the first bytes of a Berkeley DB: the magic number of a Btree or a hash, in either byte order.
    var hasBerkeleyMagic: Bool { berkeleyHeader != nil }

    /// Kind and version by the first page of a Berkeley DB.
    var berkeleyHeader: (isBtree: Bool, version: UInt32)? {
        guard count >= 20 else { return nil }
        func number(_ start: Int) -> UInt32 { bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self) }
        let magic = number(12)
        for isSwapped in [false, true] {
            let version = isSwapped ? number(16).byteSwapped : number(16)
            switch isSwapped ? magic.byteSwapped : magic {
            case 0x0005_3162: return (true, version)
            case 0x0006_1561: return (false, version)
            default: continue
            }
        }
        return nil
    }
}
