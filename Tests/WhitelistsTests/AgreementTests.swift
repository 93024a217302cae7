import Greylist
import TestSupport
import Testing

@testable import Whitelists

/// The tables find what trying every entry in turn finds.
struct AgreementTests {
    /// Few different values, so that entries share keys, names lie in each other, and most requests match several.
    private struct Material {
        var random: SeededRandom

        mutating func domain() -> String {
            (0..<pick(1...4)).map { _ in ["a", "b", "example", "org", "rather-long-label"][pick(0...4)] }
                .joined(separator: ".")
        }

        mutating func user() -> String { ["x", "User", "somebody.with.a.long.name"][pick(0...2)] }

        mutating func address() -> String {
            user() + (pick(0...3) == 0 ? "+ext" : "") + (pick(0...9) == 0 ? "" : "@" + domain())
        }

        mutating func ipv4() -> Address {
            Address(ipv4: UInt32(pick(0...3)) << 30 | UInt32(pick(0...3)) << 15 | UInt32(pick(0...3)))
        }

        mutating func ipv6() -> Address {
            Address(ipv6: UInt128(pick(0...3)) << 126 | UInt128(pick(0...3)) << 60 | UInt128(pick(0...3)))
        }

        mutating func client() -> Address { pick(0...1) == 0 ? ipv4() : ipv6() }

        mutating func network() -> Network {
            let address = client()
            return Network(address, prefixLength: pick(0...address.family.rawValue))
        }

        /// A condition with a key of its own.
        mutating func simple() -> Condition? {
            switch pick(0...6) {
            case 0: .client(network())
            case 1: Domain(domain()).map { .clientName($0) }
            case 2: Domain(domain()).map { .heloName($0) }
            case 3: Domain(domain()).map { .senderDomain($0) }
            case 4: Domain(domain()).map { .recipientDomain($0) }
            case 5: AddressLiteral([address(), user(), "@" + domain()][pick(0...2)]).map { .sender($0) }
            default: AddressLiteral([address(), user() + "@", "@" + domain()][pick(0...2)]).map { .recipient($0) }
            }
        }

        mutating func condition() -> Condition? {
            let parts = (0..<pick(1...3)).compactMap { _ in simple() }
            switch pick(0...9) {
            case 0: return .all(parts)
            case 1: return .any(parts)
            case 2: return .all([.any(parts), .not(parts[0])] + parts.suffix(1))
            case 3: return .all(parts + [.all(parts)])
            case 4: return .all(parts + [.attribute(name: "protocol_name", value: "ESMTP")])
            default: return parts.first
            }
        }

        mutating func request() -> [String: String] {
            let parts = [domain(), domain().uppercased(), domain() + ".", "." + domain()]
            var text: [UInt8] = []
            text.append(client())
            return [
                "client_address": String(decoding: text, as: UTF8.self), "client_name": parts[pick(0...3)],
                "helo_name": parts[pick(0...3)], "sender": address(), "recipient": address(),
                "protocol_name": pick(0...1) == 0 ? "SMTP" : "ESMTP",
            ]
        }

        mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    }

    @Test(arguments: [1, 2, 3, 5, 30, 3_000])
    func findsWhatTryingEachFinds(_ count: Int) throws {
        var material = Material(random: SeededRandom(seed: UInt64(count)))
        var found = 0
        for _ in 0..<max(2, 300 / count) {
            var entries: [WhitelistEntry] = []
            while entries.count < count {
                guard let condition = material.condition() else { continue }
                let expires = material.pick(0...3) == 0 ? Timestamp(seconds: Int64(material.pick(0...20))) : nil
                entries.append(WhitelistEntry(condition, expires: expires, line: entries.count + 1))
            }
            let whitelist = Whitelist(entries, source: "s")
            for _ in 0..<50 {
                let now = Timestamp(seconds: 10)
                let request = material.request()
                let sample = try #require(SampleRequest(attributes: request))
                // What is denied twice has no key and is tried by itself.
                let expected = entries.first { entry in
                    entry.expires.map { now < $0 } ?? true && sample.satisfies(.not(.not(entry.condition)))
                }
                let match = sample.match(in: whitelist, at: now)
                #expect(match?.location == expected.map { "s:\($0.line ?? 0)" }, "\(request)")
                if match != nil { found += 1 }
            }
        }
        #expect(found > 0)
    }

    @Test func everyPrefixLengthIsFound() throws {
        for length in 0...128 {
            let bits = UInt128.max / 3
            let network = Network(Address(ipv6: bits), prefixLength: length)
            let whitelist = Whitelist([WhitelistEntry(.client(network))], source: "s")
            let inside = length == 128 ? bits : bits ^ 1
            #expect(try matches(Address(ipv6: inside), whitelist), "\(length)")
            guard length > 0 else { continue }
            #expect(try !matches(Address(ipv6: bits ^ 1 << UInt128(128 - length)), whitelist), "\(length)")
        }
        for length in 0...32 {
            let bits = UInt32.max / 3
            let network = Network(Address(ipv4: bits), prefixLength: length)
            let whitelist = Whitelist([WhitelistEntry(.client(network))], source: "s")
            #expect(try matches(Address(ipv4: length == 32 ? bits : bits ^ 1), whitelist), "\(length)")
            guard length > 0 else { continue }
            #expect(try !matches(Address(ipv4: bits ^ 1 << UInt32(32 - length)), whitelist), "\(length)")
        }
    }

    private func matches(_ client: Address, _ whitelist: Whitelist) throws -> Bool {
        var text: [UInt8] = []
        text.append(client)
        let sample = try #require(SampleRequest(attributes: ["client_address": String(decoding: text, as: UTF8.self)]))
        return sample.match(in: whitelist, at: Timestamp(seconds: 0)) != nil
    }
}
