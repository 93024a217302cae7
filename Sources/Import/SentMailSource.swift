/// Reads from the logs of Postfix to whom our users wrote, slice by slice, in bounded memory.
///
/// A mail's lines may be spread over several logs, so they are read in the order of their first times. The same logs give
/// the same values at any time. No two sources may read the same open files at once.
public struct SentMailSource {
    private var run: MailLogRun<PostfixLog>

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
        try self.init(logs, options: options, tools: UnpackedFile.tools, isLocal: isLocal)
    }

    /// The same with programs in other directories.
    init(
        _ logs: [MailLog], options: ImportOptions, tools: [String], isLocal: @escaping @Sendable ([UInt8]) -> Bool
    ) throws(ImportError) {
        run = try MailLogRun(logs, options: options, tools: tools, parser: PostfixLog(options, isLocal: isLocal))
    }

    /// What became of the lines so far.
    public var counts: SentMailCounts { run.parser.counts }

    /// The names of the logs in the order in which they are read.
    public var names: [String] { run.names }

    /// The next mails, perhaps none; nil when all are read.
    ///
    /// May block. A log that can't be read to its end is told of once what came before is handed over; the call after that
    /// goes on with the next log.
    public mutating func next() throws(ImportError) -> [SentMail]? {
        try run.advance() ? run.parser.takeMails() : nil
    }
}
