/// Cuts a line of a table into fields.
struct DelimitedText {
    /// How fields are written.
    enum Dialect: Equatable {
        /// Between tabs, `\t`, `\n`, `\\` and the like escaped, `\N` or `NULL` for nothing: COPY and `mysql --batch`.
        case tabs
        /// Between those bytes, in double quotes where one holds it, a quote doubled (RFC 4180).
        case separated(by: UInt8)

        /// What a first line shows.
        init(_ line: Span<UInt8>) {
            if line.firstIndex(of: UInt8(ascii: "\t")) != nil {
                self = .tabs
            } else if line.firstIndex(of: UInt8(ascii: ",")) != nil {
                self = .separated(by: UInt8(ascii: ","))
            } else if line.firstIndex(of: UInt8(ascii: ";")) != nil {
                self = .separated(by: UInt8(ascii: ";"))
            } else if line.count > 0, line[0] == UInt8(ascii: "\"") {
                self = .separated(by: UInt8(ascii: ","))
            } else {
                self = .tabs
            }
        }
    }

    /// The most columns that a table has.
    private static let mostFields = 64

    var dialect = Dialect.tabs
    private var bytes: [UInt8] = []
    private var fields: [Range<Int>] = []

    /// How many fields the line has.
    var count: Int { fields.count }

    /// Cuts a line; false where it isn't well-formed.
    mutating func cut(_ line: Span<UInt8>) -> Bool {
        removeAll()
        switch dialect {
        case .tabs: return cutAtTabs(line)
        case .separated(let separator): return cut(line, at: separator)
        }
    }

    /// Hands over a field.
    func read<Result>(_ index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(fields[index]))
    }

    /// Whether a field is that text.
    func isSame(_ index: Int, as text: StaticString) -> Bool { read(index) { $0.isSame(as: text) } }

    /// All fields in lower case.
    var names: [String] { fields.indices.map { read($0) { $0.text.lowercased() } } }

    /// Forgets all fields, to get others by `append`.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    /// Appends a field that has been cut already.
    mutating func append(bytes field: UnsafeRawBufferPointer) {
        let start = bytes.count
        bytes.append(contentsOf: field)
        fields.append(start..<bytes.count)
    }

    private mutating func add(_ start: Int) -> Bool {
        fields.append(start..<bytes.count)
        return fields.count <= Self.mostFields
    }

    // MARK: Dialects

    private mutating func cutAtTabs(_ line: Span<UInt8>) -> Bool {
        guard line.firstIndex(of: UInt8(ascii: "\\")) != nil else { return cutPlain(line) }
        var (start, index) = (0, 0)
        while index < line.count {
            let byte = line[index]
            index += 1
            if byte == UInt8(ascii: "\t") {
                guard add(start) else { return false }
                start = bytes.count
            } else if byte == UInt8(ascii: "\\"), index < line.count {
                if let escaped = Self.unescaped(line[index]) { bytes.append(escaped) }
                index += 1
            } else {
                bytes.append(byte)
            }
        }
        return add(start)
    }

    /// Cuts a line in which nothing is escaped, which nearly all are.
    private mutating func cutPlain(_ line: Span<UInt8>) -> Bool {
        bytes.append(copying: line)
        var start = 0
        while let end = line.firstIndex(of: UInt8(ascii: "\t"), from: start) {
            fields.append(start..<end)
            guard fields.count <= Self.mostFields else { return false }
            start = end + 1
        }
        return add(start)
    }

    /// What a letter behind a backslash stands for; nil for `\N`, which is nothing.
    private static func unescaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "N"): nil
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "0"): 0
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "v"): 0x0b
        default: letter
        }
    }

    private mutating func cut(_ line: Span<UInt8>, at separator: UInt8) -> Bool {
        let quote = UInt8(ascii: "\"")
        var index = 0
        while true {
            let start = bytes.count
            if index < line.count, line[index] == quote {
                index += 1
                while true {
                    guard let end = line.firstIndex(of: quote, from: index) else { return false }
                    bytes.append(copying: line.extracting(index..<end))
                    index = end + 1
                    guard index < line.count, line[index] == quote else { break }
                    bytes.append(quote)
                    index += 1
                }
                guard index == line.count || line[index] == separator else { return false }
            } else {
                let end = line.firstIndex(of: separator, from: index) ?? line.count
                bytes.append(copying: line.extracting(index..<end))
                index = end
            }
            guard add(start) else { return false }
            guard index < line.count else { return true }
            index += 1
        }
    }
}
