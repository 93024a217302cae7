import Greylist
import Logging
import NIOConcurrencyHelpers

/// Notices a private address that brings mail of many senders: something in front of Postfix then hides the clients, and
/// greylisting takes all of them for one.
///
/// An event loop's own, of a fixed size: for a few addresses a bit map of hashes of the senders' domains, in which so many
/// bits stand for about 32 domains (K.-Y. Whang et al.: A linear-time probabilistic counting algorithm, 1990). An
/// address that finds no place takes that of the one with the fewest.
struct SharedAddressWatch {
    private static let manyBits = 28

    private struct Seen {
        var address = Address(ipv4: 0)
        var domains: UInt128 = 0
    }

    private var seen = InlineArray<8, Seen>(repeating: Seen())

    /// Notes a sender; true where that makes its client's address one that is shared.
    mutating func note(_ client: Address, sender: Span<UInt8>) -> Bool {
        var fewest = 0
        var place: Int?
        for index in seen.indices {
            if seen[index].domains != 0, seen[index].address == client { place = index }
            if seen[index].domains.nonzeroBitCount < seen[fewest].domains.nonzeroBitCount { fewest = index }
        }
        let index = place ?? fewest
        if place == nil { seen[index] = Seen(address: client) }
        let before = seen[index].domains.nonzeroBitCount
        seen[index].domains |= 1 << UInt128(sender.domainHash & 127)
        return before < Self.manyBits && seen[index].domains.nonzeroBitCount >= Self.manyBits
    }
}

/// Warns of shared addresses, once of each in a run, whichever event loop notices it.
final class SharedAddressWarning: Sendable {
    /// Beyond so many the log has said enough.
    private static let limit = 16

    private let told = NIOLockedValueBox<[Address]>([])
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func tell(_ address: Address) {
        let isNew = told.withLockedValue { told in
            guard told.count < Self.limit, !told.contains(address) else { return false }
            told.append(address)
            return true
        }
        guard isNew else { return }
        var text: [UInt8] = []
        text.append(address)
        logger.warning(
            """
            private client address \(String(decoding: text, as: UTF8.self)) brings mail of many senders, and greylisting takes them for one client: \
            have the proxy or NAT in front of Postfix pass the clients' addresses on (docs/postfix.md, "One address for \
            all clients"), or whitelist it if it is a relay of yours
            """)
    }
}

extension Span<UInt8> {
    /// A hash of what follows the last `@` (FNV-1a, folded).
    fileprivate var domainHash: UInt64 {
        var start = count
        while start > 0, self[start - 1] != UInt8(ascii: "@") { start -= 1 }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in start..<count { hash = (hash ^ UInt64(self[index])) &* 0x100_0000_01b3 }
        return hash ^ hash >> 32
    }
}
