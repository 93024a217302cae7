/// What one term reads of the DNS: from answers that are there, noting which are missing.
///
/// A term is evaluated again when more answers have come, so that nothing is counted before it is complete.
struct TermLookups {
    let answers: [DNSQuestion: DNSAnswer]
    /// What has to be asked before the term can be evaluated.
    private(set) var missing: [DNSQuestion] = []
    /// How many lookups found nothing, of those that the owner of the record has a say in.
    private(set) var voids = 0
    /// Whether a lookup failed on which the term depends.
    private(set) var hasFailed = false

    init(answers: [DNSQuestion: DNSAnswer]) {
        self.answers = answers
    }

    /// The answer; nil where it is missing.
    ///
    /// - Parameter isOfClient: whether it is about the client's names, which the owner of the record has no say in:
    ///   where that fails or finds nothing, nothing is counted (RFC 7208, section 5.5)
    mutating func read(_ question: DNSQuestion, ofClient isOfClient: Bool = false) -> DNSAnswer? {
        guard let answer = answers[question] else {
            if !missing.contains(question) { missing.append(question) }
            return nil
        }
        if !isOfClient {
            if answer.isVoid(for: question.type) { voids += 1 }
            if answer == .temporaryError { hasFailed = true }
        }
        return answer
    }

    /// The addresses of a name, of the client's family; none where they are missing, or the DNS can't have the name.
    mutating func addresses(of name: [UInt8], for client: SPFAddress) -> [SPFAddress] {
        DNSQuestion(name, client.recordType).flatMap { read($0) }?.addresses ?? []
    }

    /// The names of the client that have its address (RFC 7208, section 5.5), as many as are known by now.
    mutating func confirmedNames(of client: SPFAddress, limit: Int) -> [[UInt8]] {
        guard let question = client.reverseQuestion, let names = read(question, ofClient: true)?.names else {
            return []
        }
        var confirmed: [[UInt8]] = []
        for name in names.prefix(limit) {
            guard let question = DNSQuestion(name, client.recordType),
                let answer = read(question, ofClient: true), answer.addresses.contains(client)
            else { continue }
            confirmed.append(question.name)
        }
        return confirmed
    }
}

extension [UInt8] {
    /// Whether this name is `domain` or lies below it; both are in lower case.
    func isWithin(domain: [UInt8]) -> Bool {
        self == domain || suffix(domain.count + 1).elementsEqual([UInt8(ascii: ".")] + domain)
    }
}
