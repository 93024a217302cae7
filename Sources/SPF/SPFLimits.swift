/// Bounds of one evaluation: whatever a record says, it ends.
public struct SPFLimits: Sendable, Hashable {
    /// How many terms that ask the DNS may be evaluated: `include`, `a`, `mx`, `ptr`, `exists`, `redirect`.
    ///
    /// One more is a permanent error. The address lookups of `mx` and `ptr` are not counted.
    public var terms: Int
    /// How many lookups may find nothing; one more is a permanent error.
    public var voidLookups: Int
    /// How many mail exchangers a name may have; one more is a permanent error.
    public var exchanges: Int
    /// How many names of the client are looked at; further ones are left out.
    public var clientNames: Int
    /// How many records may be begun at a time, each included by the one before; one more is a permanent error.
    public var depth: Int

    /// Bounds, each zero or more.
    public init(terms: Int, voidLookups: Int, exchanges: Int, clientNames: Int, depth: Int) {
        self.terms = terms
        self.voidLookups = voidLookups
        self.exchanges = exchanges
        self.clientNames = clientNames
        self.depth = depth
    }

    /// What RFC 7208, section 4.6.4, says; the depth can't be reached with so few terms.
    public static let rfc7208 = SPFLimits(terms: 10, voidLookups: 2, exchanges: 10, clientNames: 10, depth: 20)
}
