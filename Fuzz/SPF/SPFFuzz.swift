import SPF

/// SPF: lines, the client, the sender and the HELO name, then what the DNS says, one answer after the other.
///
/// The evaluation ends, asks what can be asked and nothing twice, and comes to the same when answers come one by one.
@Sendable func checkSPF(_ input: [UInt8]) throws(BrokenPromise) {
    let lines = lines(of: input)
    guard lines.count >= 3 else { return }
    // IPv6 where the first line is long enough.
    let length = lines[0].count >= 16 ? 16 : 4
    guard let client = SPFAddress(bytes: (lines[0] + [192, 0, 2, 3]).prefix(length)) else { return }
    let evaluation = SPFEvaluation(client: client, sender: lines[1], helo: lines[2], limits: .rfc7208)
    let atOnce = try outcome(of: evaluation, answers: Array(lines[3...]), client, atOnce: true)
    let oneByOne = try outcome(of: evaluation, answers: Array(lines[3...]), client, atOnce: false)
    try expect(atOnce == oneByOne, "one by one the answers lead to something else")
    let isFault = [.temperror, .permerror].contains(atOnce.result)
    try expect(
        (atOnce.problem != nil) == isFault, "\(atOnce.result) with the problem \(String(describing: atOnce.problem))")
}

private func outcome(
    of evaluation: SPFEvaluation, answers: [[UInt8]], _ client: SPFAddress, atOnce: Bool
) throws(BrokenPromise) -> SPFOutcome {
    var evaluation = evaluation
    var numbers: [DNSQuestion: Int] = [:]
    var answered: Set<DNSQuestion> = []
    var step = evaluation.start()
    // Ten terms ask in three steps at most, for a confirmed name among them; the record is one before them.
    for _ in 0..<(atOnce ? 64 : 640) {
        guard case .needs(let questions) = step else { break }
        try expect(!questions.isEmpty && questions.count <= 10, "too many questions at once")
        try expect(answered.isDisjoint(with: questions) && Set(questions).count == questions.count, "asked twice")
        var new: [DNSQuestion: DNSAnswer] = [:]
        // All have their number at once, so that the same answer belongs to each of them either way.
        for question in questions where numbers[question] == nil { numbers[question] = numbers.count }
        for question in atOnce ? questions[...] : questions.suffix(1) {
            let labels = question.name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            try expect(
                question.name.count <= 253 && labels.allSatisfy { (1...63).contains($0.count) },
                "a name the DNS can't have")
            new[question] = answer(to: question, number: numbers[question] ?? 0, answers, client)
            answered.insert(question)
        }
        step = evaluation.resume(with: new)
    }
    guard case .done(let outcome) = step else {
        throw BrokenPromise(description: "it doesn't end")
    }
    return outcome
}

/// The first byte of a line says what is wrong with the answer, or which addresses it has; the rest is a text or names.
private func answer(
    to question: DNSQuestion, number: Int, _ answers: [[UInt8]], _ client: SPFAddress
) -> DNSAnswer {
    guard number < answers.count, let kind = answers[number].first else { return .noSuchName }
    let names = answers[number].dropFirst().split(separator: UInt8(ascii: " ")).map { Array($0) }
    switch kind {
    case UInt8(ascii: "T"): return .temporaryError
    case UInt8(ascii: "N"): return .noData
    default: break
    }
    switch question.type {
    case .a: return .addresses(kind == UInt8(ascii: "=") ? [client] : [.ipv4(UInt32(kind))])
    case .aaaa: return .addresses(kind == UInt8(ascii: "=") ? [client] : [.ipv6(UInt128(kind))])
    case .mx: return .exchanges(names)
    case .ptr: return .names(names)
    case .txt: return .texts([Array(answers[number].dropFirst())])
    }
}
