import Bytes

/// What is needed to say which organisation a name belongs to.
public struct Organisations: Sendable {
    /// The public suffixes.
    public let suffixes: PublicSuffixList
    /// The shared and tenant identities.
    public let shared: SharedIdentities

    /// Organisations by these lists.
    public init(suffixes: PublicSuffixList, shared: SharedIdentities) {
        self.suffixes = suffixes
        self.shared = shared
    }

    /// Organisations by the list that libpsl brings along, none of them shared.
    public init() {
        self.init(suffixes: .builtIn(), shared: SharedIdentities())
    }

    /// Where in a name its parts lie.
    struct Place: Sendable {
        /// Where the organisation begins.
        var start: Int
        /// Where the suffix begins: a label behind that, or the same where the whole name is a suffix.
        var suffix: Int
        /// Whether senders that have nothing to do with each other have it in common.
        var isShared: Bool
        /// Whether the suffix is that of a tenant identity.
        var isTenant: Bool
    }

    /// The organisation of a name: its suffix and one label more; the whole name where it is a suffix itself.
    ///
    /// - Parameter name: in lower case and A-labels, without a dot at either end
    func place(of name: Span<UInt8>) -> Place {
        let start = suffixes.startOfOrganisation(in: name)
        var place = Place(start: start ?? 0, suffix: 0, isShared: false, isTenant: false)
        if start != nil { place.suffix = name.startOfLabel(after: place.start) }
        var mark = shared.mark(of: name.extracting(place.start..<name.count))
        // Tenant suffixes count like public ones, and the longest one counts.
        if !mark.isDisjoint(with: [.tenant, .aboveTenant]) {
            var (suffix, current) = (nil as Int?, place.start)
            while true {
                if mark.contains(.tenant) { suffix = current }
                guard mark.contains(.aboveTenant), current > 0 else { break }
                current = name.startOfLabel(before: current)
                mark = shared.mark(of: name.extracting(current..<name.count))
            }
            if let suffix {
                place.suffix = suffix
                place.start = suffix > 0 ? name.startOfLabel(before: suffix) : 0
                place.isTenant = true
            }
            mark = shared.mark(of: name.extracting(place.start..<name.count))
        }
        place.isShared = mark.contains(.shared)
        return place
    }

    /// Whether senders that have nothing to do with each other have an organisation in common.
    ///
    /// - Parameter organisation: in lower case and A-labels
    public func isShared(_ organisation: [UInt8]) -> Bool {
        shared.mark(of: organisation.span).contains(.shared)
    }

    /// The organisation of a domain as a mail server said it, in lower case and A-labels; an address literal is its own,
    /// and nil stands for what is not a domain.
    public func organisation(of domain: [UInt8]) -> [UInt8]? {
        var text: [UInt8] = []
        guard let name = DomainName(appending: domain.span, to: &text) else { return nil }
        return name.kind == .literal ? text : Array(text[place(of: text.span).start...])
    }
}

extension Span<UInt8> {
    /// Where the label behind the one at `start` begins; the end where there is none.
    func startOfLabel(after start: Int) -> Int {
        firstIndex(of: UInt8(ascii: "."), in: start..<count).map { $0 + 1 } ?? count
    }

    /// Where the label before the one at `start` begins, of which there must be one.
    func startOfLabel(before start: Int) -> Int {
        var index = start - 1
        while index > 0, self[index - 1] != UInt8(ascii: ".") { index -= 1 }
        return index
    }
}
