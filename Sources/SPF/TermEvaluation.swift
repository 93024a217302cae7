/// How each term is evaluated (RFC 7208, sections 5 and 6.1).
///
/// Each function returns the questions that keep it from being done, and has changed nothing then.
extension SPFEvaluation {
    /// Evaluates the next directive of the innermost record, or what follows the last one.
    mutating func evaluate() -> [DNSQuestion] {
        guard let frame = frames.last else { preconditionFailure("no record is being evaluated") }
        guard frame.next < frame.record.directives.count else {
            guard let redirect = frame.record.redirect else {
                conclude(.neutral, path: frame.way)
                return []
            }
            return follow(redirect.domain, .redirect, text: redirect.text, in: frame)
        }
        let directive = frame.record.directives[frame.next]
        if case .include(let domain) = directive.mechanism {
            return follow(domain, .include, text: directive.text, in: frame)
        }
        return match(directive, in: frame)
    }

    /// Goes to the record of another domain.
    private mutating func follow(
        _ spec: MacroString, _ kind: SPFTerm.Kind, text: ArraySlice<UInt8>, in frame: Frame
    ) -> [DNSQuestion] {
        guard mayAsk(text, in: frame) else { return [] }
        var lookups = TermLookups(answers: answers)
        let name = target(spec, in: frame, &lookups)
        guard lookups.missing.isEmpty else { return lookups.missing }
        terms += 1
        guard mayGoOn(after: lookups, text, in: frame) else { return [] }
        guard let question = DNSQuestion(name, .txt) else {
            fail(kind == .include ? .noIncludedRecord : .noRedirectedRecord, in: frame.domain, at: text)
            return []
        }
        let term = SPFTerm(
            domain: frame.domain, text: Array(text.prefix(SPFTerm.longestText)), kind: kind, target: question.name,
            prefixLength: nil, isDynamic: spec.isDynamic)
        fetch = Fetch(question: question, entry: kind == .include ? .include : .redirect, way: frame.way + [term])
        return []
    }

    /// Evaluates a directive that doesn't lead to another record.
    private mutating func match(_ directive: SPFRecord.Directive, in frame: Frame) -> [DNSQuestion] {
        let asks = directive.mechanism.asks
        guard !asks || mayAsk(directive.text, in: frame) else { return [] }
        var lookups = TermLookups(answers: answers)
        var target: [UInt8] = []
        if asks {
            target = self.target(directive.mechanism.domain, in: frame, &lookups)
            guard lookups.missing.isEmpty else { return lookups.missing }
        }
        if case .mx = directive.mechanism, let question = DNSQuestion(target, .mx),
            answers[question]?.exchanges.count ?? 0 > limits.exchanges
        {
            fail(.tooManyExchanges, in: frame.domain, at: directive.text)
            return []
        }
        // A match decides whatever else is missing or has failed: the order of exchangers and names is chance.
        let isMatch = matches(directive.mechanism, target, &lookups)
        guard isMatch || lookups.missing.isEmpty else { return lookups.missing }
        if asks { terms += 1 }
        if isMatch {
            let term = SPFTerm(
                domain: frame.domain, text: Array(directive.text.prefix(SPFTerm.longestText)),
                kind: directive.mechanism.kind, target: asks ? DNSQuestion(target, .a)?.name : nil,
                prefixLength: directive.mechanism.prefixLength(for: identity.client),
                isDynamic: directive.mechanism.domain?.isDynamic ?? false)
            conclude(directive.qualifier, path: frame.way + [term])
        } else if mayGoOn(after: lookups, directive.text, in: frame) {
            frames[frames.count - 1].next += 1
        }
        return []
    }

    private func matches(_ mechanism: SPFRecord.Mechanism, _ target: [UInt8], _ lookups: inout TermLookups) -> Bool {
        let client = identity.client
        switch mechanism {
        case .all: return true
        case .network(let network, let length): return client.isWithin(network, prefixLength: length)
        case .a(_, let lengths):
            return lookups.addresses(of: target, for: client).contains {
                client.isWithin($0, prefixLength: lengths.length(for: client))
            }
        case .mx(_, let lengths):
            let exchanges = DNSQuestion(target, .mx).flatMap { lookups.read($0) }?.exchanges ?? []
            return exchanges.flatMap { lookups.addresses(of: $0, for: client) }.contains {
                client.isWithin($0, prefixLength: lengths.length(for: client))
            }
        case .ptr:
            guard let domain = DNSQuestion(target, .ptr)?.name else { return false }
            return lookups.confirmedNames(of: client, limit: limits.clientNames).contains {
                $0.isWithin(domain: domain)
            }
        case .exists:
            let addresses = DNSQuestion(target, .a).flatMap { lookups.read($0) }?.addresses ?? []
            return !addresses.isEmpty
        case .include: preconditionFailure("an include leads to another record")
        }
    }

    /// The name that a term asks about; without meaning where lookups are missing.
    private mutating func target(_ spec: MacroString?, in frame: Frame, _ lookups: inout TermLookups) -> [UInt8] {
        guard let spec else { return frame.domain }
        let letters = spec.letters
        if letters.contains(.helo) { dependencies.insert(.helo) }
        if letters.contains(.localPart) || letters.contains(.sender) { dependencies.insert(.localPart) }
        var clientName: [UInt8]?
        if letters.contains(.clientName) {
            let names = lookups.confirmedNames(of: identity.client, limit: limits.clientNames)
            clientName =
                names.first { $0 == frame.domain } ?? names.first { $0.isWithin(domain: frame.domain) } ?? names.first
                ?? Array("unknown".utf8)
        }
        return spec.expanded(with: MacroValues(identity: identity, domain: frame.domain, clientName: clientName))
    }

    /// Whether one more term may ask the DNS; else the evaluation has ended.
    private mutating func mayAsk(_ term: ArraySlice<UInt8>, in frame: Frame) -> Bool {
        guard terms < limits.terms else {
            fail(.tooManyTerms, in: frame.domain, at: term)
            return false
        }
        return true
    }

    /// Whether the evaluation goes on after a term that didn't match; else it has ended.
    private mutating func mayGoOn(after lookups: TermLookups, _ term: ArraySlice<UInt8>, in frame: Frame) -> Bool {
        guard !lookups.hasFailed else {
            fail(.lookupFailed, in: frame.domain, at: term)
            return false
        }
        voids += lookups.voids
        guard voids <= limits.voidLookups else {
            fail(.tooManyVoidLookups, in: frame.domain, at: term)
            return false
        }
        return true
    }
}

extension MacroString {
    /// Whether it names something else for each client or sender.
    var isDynamic: Bool { letters.contains { $0 != .domain && $0 != .senderDomain } }
}

extension SPFRecord.Mechanism {
    /// Whether it counts as a term that asks the DNS.
    var asks: Bool {
        switch self {
        case .all, .network: false
        case .include, .a, .mx, .ptr, .exists: true
        }
    }

    /// The domain it names; nil where that is the domain of the record, or where it has none.
    var domain: MacroString? {
        switch self {
        case .all, .network: nil
        case .include(let domain), .exists(let domain): domain
        case .a(let domain, _), .mx(let domain, _), .ptr(let domain): domain
        }
    }

    /// What it is called.
    var kind: SPFTerm.Kind {
        switch self {
        case .all: .all
        case .include: .include
        case .a: .a
        case .mx: .mx
        case .ptr: .ptr
        case .network(.ipv4, _): .ip4
        case .network(.ipv6, _): .ip6
        case .exists: .exists
        }
    }

    /// How many bits of the client's address it compares.
    func prefixLength(for client: SPFAddress) -> Int? {
        switch self {
        case .a(_, let lengths), .mx(_, let lengths): lengths.length(for: client)
        case .network(_, let length): length
        case .all, .include, .ptr, .exists: nil
        }
    }
}
