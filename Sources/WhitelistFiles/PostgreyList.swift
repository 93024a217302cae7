import Greylist
import JSONText
import Whitelists

/// Reads the lists of postgrey 1.37, `whitelist_clients` and `whitelist_recipients`, a word a line.
///
/// A `#` begins a comment wherever it stands. Its regular expressions are found anywhere in the text and need no
/// permission of their own where `SourceTerms.allowsPatterns` has it.
struct PostgreyList {
    /// Which of the two lists it is.
    enum Kind {
        case clients, recipients
    }

    let kind: Kind
    let path: String
    let terms: SourceTerms

    init(_ kind: Kind, path: String, terms: SourceTerms) {
        self.kind = kind
        self.path = bareOrQuoted(path)
        self.terms = terms
    }

    func read<Sink>(_ bytes: [UInt8], into gathering: Gathering<Sink>) {
        var (number, start) = (0, bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            guard gathering.hasRoom else {
                return gathering.complain(of: "\(path):\(number)", "this and all further lines: there are too many")
            }
            read(bytes[start..<end], number, into: gathering)
            start = end + 1
        }
    }

    private func read<Sink>(_ line: ArraySlice<UInt8>, _ number: Int, into gathering: Gathering<Sink>) {
        let text = line.prefix { $0 != UInt8(ascii: "#") }
        let words = text.split { $0 == 0x20 || (0x09...0x0d).contains($0) }
        guard let word = words.first else { return }
        let place = "\(path):\(number)"
        do throws(EntryFault) {
            guard words.count == 1 else { throw EntryFault("more than one word") }
            guard let text = String(validating: word, as: UTF8.self) else { throw EntryFault("it is not UTF-8") }
            let condition = try condition(text, word)
            if !terms.allowsWide, let width = condition.tooWide { throw EntryFault(width) }
            gathering.add(WhitelistEntry(condition, index: number - 1, line: number))
        } catch {
            gathering.complain(of: place, error.sentence)
        }
    }

    private func condition(_ word: String, _ bytes: ArraySlice<UInt8>) throws(EntryFault) -> Condition {
        if word.hasPrefix("/"), word.hasSuffix("/"), word.utf8.count > 2 { return try pattern(word) }
        switch kind {
        case .clients: return try client(word, bytes)
        case .recipients: return try recipient(word, bytes)
        }
    }

    private func pattern(_ word: String) throws(EntryFault) -> Condition {
        guard terms.allowsPatterns else {
            throw EntryFault("regular expressions are off (service.allow_wl_regex turns them on)")
        }
        let pattern = try compiled(String(word.dropFirst().dropLast()), isAnchored: false)
        return .pattern(kind == .clients ? .clientName : .recipient, pattern)
    }

    private func client(_ word: String, _ bytes: ArraySlice<UInt8>) throws(EntryFault) -> Condition {
        if let network = try network(word) { return .client(network) }
        guard let domain = Domain(bytes: bytes) else { throw EntryFault("\(shortened(word)) is no name or network") }
        return .clientName(domain)
    }

    /// The network that a word of digits and dots, or with two colons, spells; nil for a name.
    private func network(_ word: String) throws(EntryFault) -> Network? {
        let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let looksIPv4 = parts[0].utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
        let looksIPv6 = parts[0].utf8.count { $0 == UInt8(ascii: ":") } >= 2
        guard looksIPv4 || looksIPv6 else { return nil }
        let octets = parts[0].split(separator: ".", omittingEmptySubsequences: false).count
        if looksIPv4, octets == 2 || octets == 1 {
            throw EntryFault(
                "postgrey takes \(shortened(word)) for one /24 network: write the network with its prefix length")
        }
        let short = looksIPv4 && octets == 3
        guard let address = Address(short ? "\(parts[0]).0" : String(parts[0])) else {
            throw EntryFault("\(shortened(word)) is no address or network")
        }
        guard parts.count == 2 else {
            return Network(address, prefixLength: short ? 24 : address.family.rawValue)
        }
        guard let length = Int(parts[1]), (0...address.family.rawValue).contains(length) else {
            throw EntryFault("\(shortened(word)) has no prefix length up to \(address.family.rawValue)")
        }
        return Network(address, prefixLength: length)
    }

    private func recipient(_ word: String, _ bytes: ArraySlice<UInt8>) throws(EntryFault) -> Condition {
        guard bytes.contains(UInt8(ascii: "@")) else {
            guard let domain = Domain(bytes: bytes) else {
                throw EntryFault("\(shortened(word)) is no domain or address")
            }
            return .recipientDomain(domain)
        }
        guard let literal = AddressLiteral(bytes: bytes), bytes.first != UInt8(ascii: "@") else {
            throw EntryFault("\(shortened(word)) is no address (user@domain or user@)")
        }
        return .recipient(literal)
    }
}
