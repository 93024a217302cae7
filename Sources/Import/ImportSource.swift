import FileCalls
import Glibc
import Greylist
public import SystemPackage

/// A text to be read, which its owner has opened.
public struct ImportFile: Sendable {
    /// An open file, a pipe, or standard input; closing it is its owner's affair.
    public var file: FileDescriptor
    /// Its name, for messages.
    public var name: String
    /// The table that it is, where it is one; nil: it follows from the name, the heading, or the columns.
    public var table: String?

    /// A text; its table is called as the file is, up to the first dot, where there is such a table.
    public init(file: FileDescriptor, name: String, table: String? = nil) {
        self.file = file
        self.name = name
        self.table = table ?? name.split(separator: "/").last?.split(separator: ".").first.map(String.init)
    }
}

/// Reads the entries in the texts of a foreign greylister, slice by slice, in bounded memory.
///
/// The caller can merge each slice before it asks for the next one; nothing has to be kept of what was read.
public struct ImportSource {
    private let format: ImportFormat
    private let files: [ImportFile]
    private let options: ImportOptions
    private var parser: ImportParser
    private var number = 0
    private var isOpen = false
    private var isFinished = false
    /// What was wrong with the end of a file whose entries are handed over first.
    private var fault: ImportError?
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    /// How many bytes were read of all files.
    public private(set) var position = 0

    /// A source of these texts, which are read in this order.
    public init(_ format: ImportFormat, _ files: [ImportFile], options: ImportOptions) {
        self.format = format
        self.files = files
        var options = options
        options.taken = min(options.now, Self.lastChange(of: files) ?? options.now)
        self.options = options
        parser = ImportParser(format, options: options)
    }

    /// Goes back to the beginning, where all files are regular ones.
    public mutating func restart() throws(ImportError) {
        for file in files {
            do throws(Errno) {
                _ = try systemCall { try file.file.seek(offset: 0, from: .start) }
            } catch {
                throw ImportError(.unreadable, file.name, "it can't be read twice (\(error))")
            }
        }
        parser = ImportParser(format, options: options)
        (number, isOpen, isFinished, fault, position) = (0, false, false, nil, 0)
    }

    /// What became of the lines so far.
    public var counts: ImportCounts { parser.counts }

    /// How many bytes the files have, for a progress bar; nil where one of them is a pipe.
    public var size: Int? {
        var size = 0
        for file in files {
            guard let status = try? Stat(file.file), status.type == .regular else { return nil }
            size += Int(status.size)
        }
        return size
    }

    /// The next entries, perhaps none; nil when all are read.
    ///
    /// May block.
    public mutating func next() throws(ImportError) -> [ImportedEntry]? {
        if let fault {
            isFinished = true
            self.fault = nil
            throw fault
        }
        guard !isFinished else { return nil }
        guard number < files.count else {
            isFinished = true
            try parser.finish()
            return parser.takeEntries()
        }
        if !isOpen {
            parser.begin(file: files[number].name, table: files[number].table)
            isOpen = true
        }
        var buffer: [UInt8] = []
        swap(&buffer, &self.buffer)
        defer { swap(&buffer, &self.buffer) }
        let count = try Self.read(files[number], &buffer)
        if count > 0 {
            position += count
            try parser.feed(buffer.span.extracting(0..<count))
        } else {
            (number, isOpen) = (number + 1, false)
            do throws(ImportError) {
                try parser.end()
            } catch {
                // What came before is whole, and counts; the next call tells.
                fault = error
            }
        }
        return parser.takeEntries()
    }

    /// When the newest of the files was written; nil where one of them is a pipe.
    private static func lastChange(of files: [ImportFile]) -> Timestamp? {
        var last: Int?
        for file in files {
            guard let status = try? Stat(file.file), status.type == .regular else { return nil }
            last = max(last ?? .min, status.st_mtim.tv_sec)
        }
        return last.map { Timestamp(seconds: Int64($0)) }
    }

    private static func read(_ file: ImportFile, _ buffer: inout [UInt8]) throws(ImportError) -> Int {
        do throws(Errno) {
            return try systemCall { try buffer.withUnsafeMutableBytes { try file.file.read(into: $0) } }
        } catch {
            throw ImportError(.unreadable, file.name, "it can't be read (\(error))")
        }
    }
}
