import Bytes

/// A record that says which hosts may send for a domain (RFC 7208, section 4.5), read as a whole before anything in it
/// counts.
struct SPFRecord: Sendable {
    /// The mechanisms in their order, each with its qualifier.
    var directives: [Directive]
    /// Where to go on if none of them matches: never where `all` stands among them.
    var redirect: Redirect?

    struct Directive: Sendable {
        /// What a match means.
        var qualifier: SPFResult
        var mechanism: Mechanism
        /// The term as published.
        var text: ArraySlice<UInt8>
    }

    struct Redirect: Sendable {
        var domain: MacroString
        /// The term as published.
        var text: ArraySlice<UInt8>
    }

    /// A mechanism; the domain is nil where it is that of the record.
    enum Mechanism: Sendable {
        case all
        case include(MacroString)
        case a(MacroString?, PrefixLengths)
        case mx(MacroString?, PrefixLengths)
        case ptr(MacroString?)
        case network(SPFAddress, prefixLength: Int)
        case exists(MacroString)
    }

    /// How many bits of an address have to be the same.
    struct PrefixLengths: Sendable, Hashable {
        var ipv4 = 32
        var ipv6 = 128

        func length(for address: SPFAddress) -> Int {
            switch address {
            case .ipv4: ipv4
            case .ipv6: ipv6
            }
        }
    }

    /// What is taken for the record of a domain that has none, to guess whether a client belongs to it.
    static let guess = SPFRecord(
        directives: [
            Directive(qualifier: .pass, mechanism: .a(nil, PrefixLengths(ipv4: 24, ipv6: 64)), text: guessText("a")),
            Directive(qualifier: .pass, mechanism: .mx(nil, PrefixLengths(ipv4: 24, ipv6: 64)), text: guessText("mx")),
        ], redirect: nil)

    private static func guessText(_ name: String) -> ArraySlice<UInt8> { ArraySlice("\(name)/24//64".utf8) }
}

/// A term that is not as RFC 7208 wants it.
struct SPFSyntaxError: Error {
    var term: ArraySlice<UInt8>
}

extension SPFRecord {
    /// Whether a text is a record of this version: `v=spf1` in any case, then a blank or nothing.
    static func isRecord(_ text: [UInt8]) -> Bool {
        let version = Array("v=spf1".utf8)
        guard text.count >= version.count, text.prefix(version.count).map(\.lowercased) == version else { return false }
        return text.count == version.count || text[version.count] == UInt8(ascii: " ")
    }

    /// Reads a text that is a record; only blanks separate terms.
    init(_ text: [UInt8]) throws(SPFSyntaxError) {
        directives = []
        var hasExplanation = false
        for term in text.split(separator: UInt8(ascii: " ")).dropFirst() {
            guard let (name, value) = Self.modifier(term) else {
                guard let directive = Directive(term) else { throw SPFSyntaxError(term: term) }
                directives.append(directive)
                continue
            }
            if name == Array("redirect".utf8) {
                guard redirect == nil, let domain = MacroString(domain: value) else { throw SPFSyntaxError(term: term) }
                redirect = Redirect(domain: domain, text: term)
            } else if name == Array("exp".utf8) {
                guard !hasExplanation, MacroString(domain: value) != nil else { throw SPFSyntaxError(term: term) }
                hasExplanation = true
            } else {
                guard MacroString(value) != nil else { throw SPFSyntaxError(term: term) }
            }
        }
    }

    /// The name in lower case and the value of a modifier; nil where the term is none.
    private static func modifier(_ term: ArraySlice<UInt8>) -> (name: [UInt8], value: ArraySlice<UInt8>)? {
        guard let equals = term.firstIndex(of: UInt8(ascii: "=")), let first = term.first, first.isLetter else {
            return nil
        }
        let name = term[..<equals]
        guard name.allSatisfy({ $0.isLetterOrDigit || "-_.".utf8.contains($0) }) else { return nil }
        return (name.map(\.lowercased), term[(equals + 1)...])
    }
}

extension SPFRecord.Directive {
    /// Reads a mechanism with its qualifier; nil where the syntax is wrong.
    init?(_ term: ArraySlice<UInt8>) {
        text = term
        var rest = term
        let qualifiers: [(UInt8, SPFResult)] = [
            (UInt8(ascii: "+"), .pass), (UInt8(ascii: "-"), .fail), (UInt8(ascii: "~"), .softfail),
            (UInt8(ascii: "?"), .neutral),
        ]
        qualifier = .pass
        if let found = qualifiers.first(where: { $0.0 == rest.first }) {
            qualifier = found.1
            rest = rest.dropFirst()
        }
        let name = rest.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "/") }
        guard let mechanism = SPFRecord.Mechanism(name: name.map(\.lowercased), argument: rest[name.endIndex...]) else {
            return nil
        }
        self.mechanism = mechanism
    }
}

extension SPFRecord.Mechanism {
    /// - Parameter argument: what follows the name, with the colon or slash
    fileprivate init?(name: [UInt8], argument: ArraySlice<UInt8>) {
        let isBare = argument.isEmpty
        let domain = argument.first == UInt8(ascii: ":") ? MacroString(domain: argument.dropFirst()) : nil
        switch String(decoding: name, as: UTF8.self) {
        case "all" where isBare: self = .all
        case "ptr" where isBare: self = .ptr(nil)
        case "ptr":
            guard let domain else { return nil }
            self = .ptr(domain)
        case "include":
            guard let domain else { return nil }
            self = .include(domain)
        case "exists":
            guard let domain else { return nil }
            self = .exists(domain)
        case "a", "mx":
            guard let (target, lengths) = Self.target(argument) else { return nil }
            self = name == [UInt8(ascii: "a")] ? .a(target, lengths) : .mx(target, lengths)
        case "ip4":
            guard let (text, length) = Self.network(argument, longest: 32), let address = SPFAddress(ipv4: text) else {
                return nil
            }
            self = .network(address, prefixLength: length)
        case "ip6":
            guard let (text, length) = Self.network(argument, longest: 128), let address = SPFAddress(ipv6: text) else {
                return nil
            }
            self = .network(address, prefixLength: length)
        default: return nil
        }
    }

    /// What follows `a` or `mx`: `[:domain-spec][/24][//64]`.
    private static func target(
        _ argument: ArraySlice<UInt8>
    ) -> (domain: MacroString?, lengths: SPFRecord.PrefixLengths)? {
        var lengths = SPFRecord.PrefixLengths()
        var rest = argument
        // A domain-spec ends with no digit behind a slash: what looks like a length is one.
        if let (before, length) = rest.splittingPrefixLength(upTo: 128), before.last == UInt8(ascii: "/") {
            lengths.ipv6 = length
            rest = before.dropLast()
        }
        if let (before, length) = rest.splittingPrefixLength(upTo: 32) {
            lengths.ipv4 = length
            rest = before
        }
        guard !rest.isEmpty else { return (nil, lengths) }
        guard rest.first == UInt8(ascii: ":"), let domain = MacroString(domain: rest.dropFirst()) else { return nil }
        return (domain, lengths)
    }

    /// What follows `ip4` or `ip6`: `:address[/length]`.
    private static func network(
        _ argument: ArraySlice<UInt8>, longest: Int
    ) -> (address: ArraySlice<UInt8>, length: Int)? {
        guard argument.first == UInt8(ascii: ":") else { return nil }
        guard argument.contains(UInt8(ascii: "/")) else { return (argument.dropFirst(), longest) }
        guard let (before, length) = argument.splittingPrefixLength(upTo: longest) else { return nil }
        return (before.dropFirst(), length)
    }
}

extension ArraySlice<UInt8> {
    /// What stands before the last slash, and the number behind it; nil where none without leading zeros is there, or a
    /// larger one than `longest`.
    fileprivate func splittingPrefixLength(upTo longest: Int) -> (before: ArraySlice<UInt8>, length: Int)? {
        guard let slash = lastIndex(of: UInt8(ascii: "/")),
            let length = self[(slash + 1)...].decimalWithoutLeadingZeros(upTo: longest)
        else { return nil }
        return (self[..<slash], length)
    }
}
