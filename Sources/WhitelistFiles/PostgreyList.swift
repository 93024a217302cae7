import Bytes
import Greylist
import JSONText
import Whitelists

/// Reads the lists of postgrey 1.37, `whitelist_clients` and `whitelist_recipients`, a word a line.
///
/// A `#` begins a comment wherever it stands. Its regular expressions are found anywhere in the text and need no
/// permission of their own where `SourceOptions.allowsPatterns` has it.
struct PostgreyList {
    /// Which of the two lists it is.
    enum Kind {
        case clients, recipients
    }

    let kind: Kind
    let path: String
    let options: SourceOptions

    init(_ kind: Kind, path: String, options: SourceOptions) {
        self.kind = kind
        self.path = bareOrQuoted(path)
        self.options = options
    }

    func read<Sink>(_ bytes: [UInt8], into collector: EntryCollector<Sink>) {
        if let form = Self.foreignForm(bytes) { return collector.report(of: path, form) }
        var (number, start) = (0, bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
        var census = ListCensus(kind)
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            guard collector.hasRoom else {
                return collector.report(of: "\(path):\(number)", "this and all further lines: there are too many")
            }
            read(bytes[start..<end], number, &census, into: collector)
            start = end + 1
        }
        if let message = census.message(path) {
            collector.restart()
            collector.report(of: path, message)
        }
    }

    /// What is said of a file that has another form as a whole; nil where it hasn't.
    private static func foreignForm(_ bytes: [UInt8]) -> String? {
        let text = bytes.drop { $0 <= 0x20 || $0 >= 0x80 }
        if text.first == UInt8(ascii: "{") { return "it is JSON: name it as file:// (in a directory: NAME.json)" }
        let start = String(decoding: text.prefix(14), as: UTF8.self).lowercased()
        return start.hasPrefix("<!doctype html") || start.hasPrefix("<html") ? "it is a web page" : nil
    }

    private func read<Sink>(
        _ line: ArraySlice<UInt8>, _ number: Int, _ census: inout ListCensus, into collector: EntryCollector<Sink>
    ) {
        let text = line.prefix { $0 != UInt8(ascii: "#") }
        let words = text.split { $0 == 0x20 || (0x09...0x0d).contains($0) }
        guard !words.isEmpty else { return }
        let location = "\(path):\(number)"
        var reader = SlotReader(kind == .clients ? .postgreyClients : .postgreyRecipients)
        do throws(EntryError) {
            var strings: [String] = []
            for word in words {
                guard let string = String(validating: word, as: UTF8.self) else { throw EntryError("it is not UTF-8") }
                strings.append(string)
            }
            let word = strings.joined(separator: " ")
            census.count(word)
            let condition = try strings.count == 1 ? condition(word, &reader) : condition(of: strings, &reader)
            if let note = try ListScreening(options: options).check(condition, .pass) { reader.note(note) }
            for note in reader.notes { collector.note(at: location, note) }
            collector.add(WhitelistEntry(condition, index: number - 1, line: number), at: location)
        } catch {
            collector.report(of: location, error.message)
        }
    }

    /// The condition of several words, which only a network with its mask may be.
    private func condition(of words: [String], _ reader: inout SlotReader) throws(EntryError) -> Condition {
        let text = words.joined(separator: " ")
        let isNetwork = NetworkText(text).map { $0.length != .invalid } ?? (AddressRange(text) != nil)
        if kind == .clients, isNetwork { return try client(text, &reader) }
        let trimmed = words.map { word in String(word.drop { ",;".contains($0) }.prefix { !",;".contains($0) }) }
        let usable = trimmed.filter { word in
            guard !word.isEmpty, !word.hasPrefix("/") else { return false }
            var reader = SlotReader(reader.style)
            return (try? condition(word, &reader)).map { $0.tooWide == nil } ?? false
        }
        switch usable.count {
        case 0: throw EntryError("more than one word (a comment begins with #)")
        case 1: throw EntryError("more than one word: write only \(named(usable[0])) (a comment begins with #)")
        default: throw EntryError("more than one word: write a line each: \(usable.shownList)")
        }
    }

    private func condition(_ word: String, _ reader: inout SlotReader) throws(EntryError) -> Condition {
        if word.hasPrefix("/"), word.hasSuffix("/"), word.utf8.count > 2 { return try pattern(word) }
        switch kind {
        case .clients: return try client(word, &reader)
        case .recipients: return try recipient(word, &reader)
        }
    }

    private func pattern(_ word: String) throws(EntryError) -> Condition {
        guard options.allowsPatterns else {
            throw EntryError("regular expressions are off (service.allow_wl_regex turns them on)")
        }
        let pattern = try compiled(String(word.dropFirst().dropLast()), isAnchored: false)
        return .pattern(kind == .clients ? .clientName : .recipient, pattern)
    }

    private func client(_ word: String, _ reader: inout SlotReader) throws(EntryError) -> Condition {
        if let network = try network(word, &reader) { return .client(network) }
        return .clientName(try reader.domain(word, .clientName))
    }

    /// The network that a word spells; nil for a name.
    private func network(_ word: String, _ reader: inout SlotReader) throws(EntryError) -> Network? {
        let base = word.prefix { $0 != "/" }
        let looksIPv4 = !base.isEmpty && base.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
        let looksIPv6 = base.utf8.count { $0 == UInt8(ascii: ":") } >= 2
        let octets = base.split(separator: ".", omittingEmptySubsequences: false).count
        let isOpen = base.hasSuffix(".")
        if looksIPv4, !isOpen, octets == 2 || octets == 1 {
            throw EntryError(
                "postgrey takes \(shortened(word)) for one /24 network: write the network with its prefix length")
        }
        let isShort = looksIPv4 && !isOpen && octets == 3
        guard let found = NetworkText(isShort ? "\(base).0\(word.dropFirst(base.count))" : word) else {
            let advice = NetworkText.advice(on: word)
            guard looksIPv4 || looksIPv6 || !advice.isEmpty else { return nil }
            throw EntryError("\(shortened(word)) is not an address or network\(advice)")
        }
        let longest = found.address.family.rawValue
        switch found.length {
        case .none: return reader.network(found, bits: isShort ? 24 : longest, written: word)
        case .bits(let bits): return reader.network(found, bits: bits, written: word)
        case .invalid:
            let advice = NetworkText.advice(on: word)
            throw EntryError("\(shortened(word)) has no prefix length up to \(longest)\(advice)")
        }
    }

    private func recipient(_ word: String, _ reader: inout SlotReader) throws(EntryError) -> Condition {
        guard word.utf8.contains(UInt8(ascii: "@")) else {
            let domain = try reader.domain(word, .recipientDomain)
            guard !domain.isTopLevel || options.allowsWide else {
                throw EntryError("\(shortened(word)): write \"\(domain)@\" for that user in every domain")
            }
            return .recipientDomain(domain)
        }
        if word.hasPrefix("@"), let domain = Domain(String(word.dropFirst())) {
            throw EntryError("\(shortened(word)): write \"\(domain)\" for all addresses in it")
        }
        return .recipient(try reader.literal(word, .recipient))
    }
}

/// Counts lines that can only be of one of postgrey's lists, to notice that one was taken for the other.
private struct ListCensus {
    private let kind: PostgreyList.Kind
    private var (clients, recipients) = (0, 0)

    init(_ kind: PostgreyList.Kind) {
        self.kind = kind
    }

    mutating func count(_ word: String) {
        guard !word.hasPrefix("/") else { return }
        if word.utf8.contains(UInt8(ascii: "@")) {
            recipients += 1
        } else if NetworkText(word) != nil {
            clients += 1
        } else {
            // 192.0.2, as postgrey has a network
            let octets = word.prefix { $0 != "/" }.split(separator: ".", omittingEmptySubsequences: false)
            if octets.count == 3, octets.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }) { clients += 1 }
        }
    }

    /// What is said of a list that has several lines of the other one and none of its own.
    func message(_ path: String) -> String? {
        switch kind {
        case .recipients where clients >= 2 && recipients == 0:
            "it is a list of clients (\(clients) lines are addresses of such, none is a recipient's): name it as "
                + "postgrey-clients:// (in a directory: NAME.clients)"
        case .clients where recipients >= 2 && clients == 0:
            "it is a list of mail addresses (\(recipients) lines are such, none is a client's address): name it as "
                + "postgrey-recipients:// (in a directory: NAME.recipients)"
        default: nil
        }
    }
}
