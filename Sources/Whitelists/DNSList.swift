import Bytes
public import Greylist

/// A list in the DNS that says something of addresses (RFC 5782), and which of its answers count.
public struct DNSList: Sendable, Hashable {
    /// The domain below which the list has a name for each address.
    public let zone: Zone
    /// The answers that count.
    public let answers: Answers

    /// A list; by default each of its answers counts.
    public init(_ zone: Zone, answers: Answers = .all) {
        self.zone = zone
        self.answers = answers
    }

    /// The domain of a list.
    public struct Zone: Sendable, Hashable {
        /// The longest one below which there is room for an IPv6 address, whose 32 digits each have a dot behind them.
        package static let limit = Domain.limit - 64

        /// In lower case and A-labels, without a final dot.
        public let name: String

        /// The zone of that name; nil for a single label, or where it is too long.
        public init?(_ domain: Domain) {
            let name = domain.spellings.first { $0.utf8.allSatisfy { $0 < 0x80 } }
            guard let name, !domain.isTopLevel, name.utf8.count <= Self.limit else { return nil }
            self.name = name
        }

        /// The name that has the records of type A for an address: `7.2.0.192.list.example`, or 32 hexadecimal digits for IPv6
        /// (RFC 5782, sections 2.1 and 2.4).
        public func name(of address: Address) -> [UInt8] {
            var text: [UInt8] = []
            switch address.family {
            case .ipv4:
                for shift in stride(from: 96, through: 120, by: 8) {
                    text.append(decimal: Int(address.bits >> UInt128(shift) & 0xff))
                    text.append(UInt8(ascii: "."))
                }
            case .ipv6:
                for shift in stride(from: 0, through: 124, by: 4) {
                    let digit = UInt8(truncatingIfNeeded: address.bits >> UInt128(shift) & 0xf)
                    text.append(UInt8(hexadecimalDigitOf: digit))
                    text.append(UInt8(ascii: "."))
                }
            }
            return text + name.utf8
        }
    }

    /// Answers of a list: addresses of which some octets are given.
    public struct Answers: Sendable, Hashable {
        fileprivate let bits: UInt32
        fileprivate let mask: UInt32

        /// Each answer: `127.*.*.*`.
        public static let all = Answers(bits: 127 << 24, mask: 0xff << 24)

        private init(bits: UInt32, mask: UInt32) {
            self.bits = bits
            self.mask = mask
        }

        /// Reads four octets, any of which may be `*`; nil for anything else.
        public init?(_ text: String) {
            var (bits, mask) = (UInt32(0), UInt32(0))
            let octets = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard octets.count == 4 else { return nil }
            for octet in octets {
                (bits, mask) = (bits << 8, mask << 8)
                if octet.elementsEqual("*".utf8) { continue }
                guard octet.allSatisfy(\.isDigit), octet.count == 1 || octet.first != UInt8(ascii: "0"),
                    let value = UInt8(Substring(octet))
                else { return nil }
                (bits, mask) = (bits | UInt32(value), mask | 0xff)
            }
            // No list answers with anything else, whatever the pattern leaves open.
            if mask >> 24 == 0 { (bits, mask) = (bits | 127 << 24, mask | 0xff << 24) }
            self.init(bits: bits, mask: mask)
        }

        /// Whether any answer is among them.
        public var canMatch: Bool { Self.isAnswer(sample(avoiding: [])) }

        /// Whether an address is one of them, which must be an answer.
        func match(_ address: UInt32) -> Bool { address & mask == bits }

        /// Whether a list says something of an address by that record.
        ///
        /// A list answers within 127.0.0.0/8; anything else is a resolver's own page, or the domain's next owner.
        /// 127.255.255.0/24 (Spamhaus) and 127.0.0.255 (DNSWL) say that the list refuses the question.
        static func isAnswer(_ address: UInt32) -> Bool {
            address >> 24 == 127 && address >> 8 != 0x7fff_ff && address != 0x7f00_00ff
        }

        /// One of these answers that is none of the others, as far as those leave one.
        ///
        /// Where an octet is open, it has a value that none of the others names.
        func sample(avoiding others: [Answers]) -> UInt32 {
            var address = bits
            for shift in [UInt32(0), 8, 16, 24] where mask >> shift & 0xff == 0 {
                let named = others.lazy.filter { $0.mask >> shift & 0xff != 0 }.map { $0.bits >> shift & 0xff }
                // Neither 0 nor 255: with these it could be a refusal.
                address |= ((1...254).first { !named.contains($0) } ?? 1) << shift
            }
            return address
        }
    }
}

extension DNSList: CustomStringConvertible {
    /// `list.example`, with the answers that count unless all do: `list.example as 127.0.*.3`.
    public var description: String { answers == .all ? zone.name : "\(zone.name) as \(answers)" }
}

extension DNSList.Answers: CustomStringConvertible {
    /// The octets, with `*` where any will do.
    public var description: String {
        [UInt32(24), 16, 8, 0].map { mask >> $0 & 0xff == 0 ? "*" : "\(bits >> $0 & 0xff)" }.joined(separator: ".")
    }
}
