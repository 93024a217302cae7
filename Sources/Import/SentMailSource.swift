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

/// Reads from the logs of Postfix to whom our users wrote, slice by slice, in bounded memory.
///
/// A mail's lines may be spread over several logs, so they are read in the order of their first times. The same logs give
/// the same values at any time. No two sources may read the same open files at once.
public struct SentMailSource {
    private static let tools = ["/usr/bin", "/bin", "/usr/local/bin"]

    /// The logs in the order of their times, with that at which each was written last.
    private let logs: [(log: MailLog, written: Timestamp)]
    private let tools: [String]
    private var number = 0
    private var current: UnpackedFile?
    private var parser: PostfixLog
    /// What was wrong with the end of a log whose mails are handed over first.
    private var fault: ImportError?
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    /// A source of these logs, in any order; their beginnings are read, which may block.
    ///
    /// - Parameters:
    ///   - options: the time of day, and what local time is
    ///   - isLocal: whether a domain, in lower case and without a final dot, is ours: only senders of such domains teach, and
    ///     recipients of such don't
    /// - Throws: where one isn't a log, can't be read, or needs a program that isn't installed
    public init(
        _ logs: [MailLog], options: ImportOptions, isLocal: @escaping @Sendable (_ domain: [UInt8]) -> Bool
    ) throws(ImportError) {
        try self.init(logs, options: options, tools: Self.tools, isLocal: isLocal)
    }

    /// The same with programs in other directories.
    init(
        _ logs: [MailLog], options: ImportOptions, tools: [String], isLocal: @escaping @Sendable ([UInt8]) -> Bool
    ) throws(ImportError) {
        self.tools = tools
        parser = PostfixLog(options, isLocal: isLocal)
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

    /// What became of the lines so far.
    public var counts: SentMailCounts { parser.counts }

    /// The names of the logs in the order in which they are read.
    public var names: [String] { logs.map(\.log.name) }

    /// The next mails, perhaps none; nil when all are read.
    ///
    /// May block. A log that can't be read to its end is told of once what came before is handed over; the call after that
    /// goes on with the next log.
    public mutating func next() throws(ImportError) -> [SentMail]? {
        if let fault {
            self.fault = nil
            throw fault
        }
        guard number < logs.count else { return nil }
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
        return parser.takeMails()
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
        while first == nil, lines < PostfixLog.patience {
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
