import FileCalls
import Glibc
import Greylist
public import SystemPackage

/// A mail log to be read, which its owner has opened.
public struct MailLog: Sendable {
    /// An open regular file, compressed perhaps; closing it is its owner's affair.
    public var file: FileDescriptor
    /// Its name, for messages.
    public var name: String
    /// As whom root has a program unpack it; nil: as who this process is.
    public var user: ToolUser?

    /// A log.
    public init(file: FileDescriptor, name: String, user: ToolUser? = nil) {
        self.file = file
        self.name = name
        self.user = user
    }
}

/// What reads mail logs line by line; it does no I/O.
protocol MailLogParser {
    /// Cuts a log into lines.
    var splitter: LineSplitter { get set }

    /// Another log begins.
    ///
    /// - Parameter written: when it was written last
    mutating func begin(written: Timestamp)

    /// Reads a line; nil stands for one that is too long.
    mutating func read(_ line: Span<UInt8>?)
}

extension MailLogParser {
    /// Reads the next piece of a log.
    mutating func feed(_ piece: Span<UInt8>) {
        var splitter = LineSplitter()
        swap(&splitter, &self.splitter)
        splitter.feed(piece) { read($0) }
        self.splitter = splitter
    }

    /// A log has ended.
    mutating func end() {
        var splitter = LineSplitter()
        swap(&splitter, &self.splitter)
        splitter.finish { read($0) }
    }
}

/// Reads mail logs piece by piece, in the order of their first times, and has a parser see them.
struct MailLogRun<Parser: MailLogParser> {
    /// How many lines are looked at to tell a log.
    private static var patience: Int { 1_000 }

    /// The logs in the order of their times, with that at which each was written last.
    private let logs: [(log: MailLog, written: Timestamp)]
    private let tools: [String]
    private var number = 0
    private var current: UnpackedFile?
    /// What has seen the logs so far.
    var parser: Parser
    /// What was wrong with the end of a log of which what came before is taken first.
    private var fault: ImportError?
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    /// A run over these logs, in any order; their beginnings are read, which may block.
    ///
    /// - Throws: where one isn't a log, can't be read, or needs a program that isn't installed
    init(_ logs: [MailLog], options: ImportOptions, tools: [String], parser: Parser) throws(ImportError) {
        self.tools = tools
        self.parser = parser
        var found: [(log: MailLog, written: Timestamp, first: Timestamp)] = []
        for log in logs {
            var logOptions = options
            logOptions.now = min(options.now, Self.lastChange(of: log) ?? options.now)
            // What is empty has nothing to say, wherever it stands.
            let first = try Self.firstTime(of: log, logOptions, tools: tools) ?? logOptions.now
            found.append((log, logOptions.now, first))
        }
        self.logs = found.enumerated().sorted { ($0.element.first, $0.offset) < ($1.element.first, $1.offset) }
            .map { ($0.element.log, $0.element.written) }
    }

    /// The names of the logs in the order in which they are read.
    var names: [String] { logs.map(\.log.name) }

    /// Has the parser see the next piece; false when it has seen all.
    ///
    /// May block. A log that can't be read to its end is told of by the call after the one that saw its last piece; the next
    /// one goes on with the next log.
    mutating func advance() throws(ImportError) -> Bool {
        if let fault {
            self.fault = nil
            throw fault
        }
        guard number < logs.count else { return false }
        if current == nil { parser.begin(written: logs[number].written) }
        var buffer: [UInt8] = []
        swap(&buffer, &self.buffer)
        defer { swap(&buffer, &self.buffer) }
        var count = 0
        do throws(ImportError) {
            let file = if let current { current } else { try UnpackedFile(logs[number].log, tools: tools) }
            current = file
            count = try file.read(into: &buffer)
        } catch {
            // What came before is whole, and counts; the next call tells.
            fault = error
        }
        if count > 0 {
            parser.feed(buffer.span.extracting(0..<count))
        } else {
            (number, current) = (number + 1, nil)
            parser.end()
        }
        return true
    }

    private static func lastChange(of log: MailLog) -> Timestamp? {
        (try? Stat(log.file)).map { Timestamp(seconds: Int64($0.st_mtim.tv_sec)) }
    }

    /// The first time in a log; nil where that is empty.
    private static func firstTime(
        of log: MailLog, _ options: ImportOptions, tools: [String]
    ) throws(ImportError) -> Timestamp? {
        let file = try UnpackedFile(log, tools: tools)
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var splitter = LineSplitter()
        var first: Timestamp?
        var lines = 0
        func look(_ line: Span<UInt8>?) {
            lines += 1
            if first == nil, let line { first = LogTime.read(line, options) }
        }
        while first == nil, lines < patience {
            let count = try file.read(into: &buffer)
            guard count > 0 else { break }
            splitter.feed(buffer.span.extracting(0..<count)) { look($0) }
        }
        if first == nil { splitter.finish { look($0) } }
        guard first != nil || lines == 0 else {
            throw ImportError(.otherFormat, log.name, line: 1, "not a mail log: no line begins with a time")
        }
        return first
    }
}
