/// How large a request may be before it is taken for a broken or hostile client.
///
/// Postfix stays far below each.
public struct PolicyLimits: Sendable {
    /// The longest line in bytes, its line feed not counted.
    public var line: Int
    /// The most attributes in one request.
    public var attributes: Int
    /// The most bytes in one request, line ends counted.
    ///
    /// At most 65,536: places in a request are kept in 16 bits.
    public var request: Int
    /// How many lines that are no attributes may stand before the first attribute of a connection.
    public var strayLines: Int
    /// The longest of these lines in bytes.
    public var strayLine: Int
    /// The most bytes in empty lines between two requests.
    public var emptyLines: Int

    /// The limits of the daemon: 8 KiB a line, 200 attributes, 64 KiB a request; 4 stray lines of 128 bytes, 1 KiB of
    /// empty lines.
    public init(
        line: Int = 8 << 10, attributes: Int = 200, request: Int = 64 << 10, strayLines: Int = 4, strayLine: Int = 128,
        emptyLines: Int = 1 << 10
    ) {
        precondition(request <= 1 << 16, "a request is at most 65,536 bytes, its places are kept in 16 bits")
        self.line = line
        self.attributes = attributes
        self.request = request
        self.strayLines = strayLines
        self.strayLine = strayLine
        self.emptyLines = emptyLines
    }
}
