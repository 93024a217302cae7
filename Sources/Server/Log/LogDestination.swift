/// Where log lines go; a sink takes one over and writes to it from its own thread.
public struct LogDestination: Sendable {
    var writer: any LogWriter

    /// Nowhere.
    public static let nothing = LogDestination(writer: NoWriter())
}

/// What puts records where they belong.
///
/// It may block: only the thread of a sink calls it, and never two at a time.
protocol LogWriter: Sendable {
    /// Whether it wants the fields of a decision beside the line.
    var takesFields: Bool { get }

    /// Writes records in their order.
    ///
    /// - Returns: how many were given up
    mutating func write(_ records: LogRecords) -> Int

    /// Opens anew what may have been moved away; what was open stays where that fails.
    mutating func reopen()
}

private struct NoWriter: LogWriter {
    let takesFields = false

    func write(_ records: LogRecords) -> Int { 0 }
    func reopen() {}
}
