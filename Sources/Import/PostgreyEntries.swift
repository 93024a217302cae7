import Greylist
import Storage

/// Makes entries of what postgrey keeps.
///
/// | database | key | value |
/// | --- | --- | --- |
/// | `postgrey.db` | `net/sender/recipient` | `first,last`, and a third field in old files |
/// | `postgrey_clients.db` | the client's address | `count,last` |
///
/// With `--privacy` each key is the SHA-1 of that text. Which database it is isn't in a dump, so each entry says it by its
/// form; a digest by its value: no count is as large as a time.
enum PostgreyEntries {
    /// Counts are below it, times in use above: 1973.
    private static let leastTime: Int64 = 100_000_000

    static func take(_ key: Span<UInt8>, _ value: Span<UInt8>, into outlet: inout Outlet) {
        guard let comma = value.firstIndex(of: UInt8(ascii: ",")),
            let first = value.extracting(0..<comma).integer,
            let last = value.extracting(comma + 1..<value.endOfField(from: comma + 1)).integer
        else { return outlet.leaveOut(.malformed, lines: 2, shown(value)) }
        let isClient = (0..<leastTime).contains(first)
        if let digest = Digest(spelling: key) {
            let subject: ImportedDigest.Subject =
                isClient
                ? .client(passes: UInt32(clamping: first), last: Timestamp(seconds: last))
                : .triplet(times(first, last, outlet.options))
            return outlet.take(ImportedDigest(digest, of: subject), lines: 2)
        }
        guard let slash = key.firstIndex(of: UInt8(ascii: "/")) else {
            guard let address = Address(parsing: key) else { return outlet.leaveOut(.address, lines: 2, shown(key)) }
            guard isClient else { return outlet.leaveOut(.malformed, lines: 2, shown(value)) }
            let moment = Timestamp(seconds: last)
            let client = ImportedClient(
                client: Network(address), count: .total(UInt32(clamping: first)), first: moment, last: moment)
            return outlet.take(client, lines: 2)
        }
        let address = key.extracting(0..<slash)
        var mailboxes = key.extracting(slash + 1..<key.count)
        let client: Network?
        if let end = mailboxes.endOfPrefixLength(of: address) {
            // With `--lookup-by-host` the address has its prefix length behind it.
            client = ClientText.network(address)
            mailboxes = mailboxes.extracting(end..<mailboxes.count)
        } else {
            client = ClientText.network(address, cutBy: outlet.options.postgreyMasks)
        }
        guard let client else { return outlet.leaveOut(.address, lines: 2, shown(key)) }
        guard let end = mailboxes.endOfSender else { return outlet.leaveOut(.malformed, lines: 2, shown(key)) }
        outlet.take(
            client: client, sender: mailboxes.extracting(0..<end),
            recipient: mailboxes.extracting(end + 1..<mailboxes.count), times: times(first, last, outlet.options),
            lines: 2)
    }

    /// It has passed where its last time is the delay or more after the first.
    private static func times(_ first: Int64, _ last: Int64, _ options: ImportOptions) -> ImportedTimes {
        let (first, last) = (Timestamp(seconds: first), Timestamp(seconds: last))
        return ImportedTimes(first: first, last: last, hasPassed: last.since(first) >= options.postgreyDelay)
    }
}

extension Digest {
    /// The digest that 40 lower-case hexadecimal digits spell; nil for anything else.
    init?(spelling text: Span<UInt8>) {
        guard text.count == 2 * Self.size, case .digest(let digest) = text.withUnsafeBytes({ Key(spelling: $0) }) else {
            return nil
        }
        self = digest
    }
}

extension Span<UInt8> {
    /// Where the mailboxes begin behind the prefix length of a host; nil where there is none.
    ///
    /// A sender isn't taken for one: postgrey makes `#` of a number before an `@`, and one without has no slash behind it
    /// but the one before the recipient.
    fileprivate func endOfPrefixLength(of address: Span<UInt8>) -> Int? {
        let isIPv6 = address.firstIndex(of: UInt8(ascii: ":")) != nil
        let end = isIPv6 ? 4 : 3
        guard starts(with: isIPv6 ? "128/" : "32/") else { return nil }
        return firstIndex(of: UInt8(ascii: "/"), from: end) == nil ? nil : end
    }

    fileprivate func endOfField(from start: Int) -> Int { firstIndex(of: UInt8(ascii: ","), from: start) ?? count }

    /// Where the sender ends in `sender/recipient`; nil where there is no slash.
    ///
    /// Local parts may hold slashes, domains can't: it is the first one behind the `@` that is the last but one, or the
    /// last where the recipient has none. A sender without a domain ends at the first.
    fileprivate var endOfSender: Int? {
        let (slash, at) = (UInt8(ascii: "/"), UInt8(ascii: "@"))
        guard let first = firstIndex(of: slash) else { return nil }
        guard let last = lastIndex(of: at, before: count) else { return first }
        if let end = firstIndex(of: slash, from: last) { return end }
        guard let previous = lastIndex(of: at, before: last) else { return first }
        return firstIndex(of: slash, from: previous).flatMap { $0 < last ? $0 : nil } ?? first
    }
}
