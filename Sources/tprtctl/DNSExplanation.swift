import Glibc
import JSONText
import Programs
import Resolver
import SPF

/// What the DNS said about a domain, and whether an address may send for it.
struct DNSExplanation: Sendable {
    /// The answer to one question.
    struct Finding: Sendable {
        let type: DNSTestCommand.RecordType
        let answer: DNSAnswer
        let time: Duration
    }

    let servers: [DNSServer]
    /// Where the servers come from.
    let source: String
    /// How long a question might take.
    let timeout: Duration
    let findings: [Finding]
    let check: (check: SPFCheck, time: Duration)?

    /// What the program ends with.
    var status: CInt {
        let isChecked =
            if case .outcome(let outcome)? = check?.check { outcome.result != .temperror } else { check == nil }
        guard isChecked, !findings.contains(where: { $0.answer == .temporaryError }) else {
            return ExitStatus.unavailable.rawValue
        }
        guard case .outcome(let outcome)? = check?.check else {
            return findings.contains { !$0.records.isEmpty } ? 0 : 1
        }
        return outcome.grade == nil || outcome.grade == .open ? 1 : 0
    }

    /// A line for each step.
    var text: String {
        var lines = ["servers:  \(servers.map(\.description).joined(separator: ", ")) (\(bareOrQuoted(source)))"]
        for finding in findings {
            let label = "\(finding.type.rawValue):".padded(to: 10)
            let time = " (\(milliseconds(finding.time)) ms)"
            guard !finding.records.isEmpty else {
                lines.append(label + sentence(finding) + time)
                continue
            }
            for (index, record) in finding.records.enumerated() {
                let shown = finding.type == .txt ? quoted(record) : bareOrQuoted(record)
                lines.append((index == 0 ? label : "".padded(to: 10)) + shown + (index == 0 ? time : ""))
            }
        }
        if let check { lines += explain(check.check, check.time) }
        return lines.joined(separator: "\n")
    }

    private func sentence(_ finding: Finding) -> String {
        switch finding.answer {
        case .noSuchName: "no such name"
        case .temporaryError where finding.time >= timeout: "no answer in time"
        case .temporaryError: "no usable answer: the server failed, refused, or isn't there"
        default: "no such records"
        }
    }

    private func explain(_ check: SPFCheck, _ time: Duration) -> [String] {
        guard case .outcome(let outcome) = check else {
            guard case .notAsked(let reason) = check else { return [] }
            return ["spf:      not checked: \(reason.rawValue)"]
        }
        let indent = "".padded(to: 10)
        let name = outcome.scope == .mailFrom ? "sender domain" : "HELO name"
        var lines = [
            "spf:      \(outcome.result.rawValue) for the \(name) \(shown(outcome.domain)) (\(milliseconds(time)) ms)"
        ]
        lines += outcome.path.map { "\(indent)\(shown($0.text)) in the record of \(shown($0.domain))" }
        if let problem = outcome.problem {
            let term = problem.term.map { ": \(shown($0))" } ?? ""
            lines.append("\(indent)\(problem.cause.rawValue)\(term) (\(shown(problem.domain)))")
        }
        if let grade = outcome.grade { lines.append("\(indent)\(grade.rawValue): \(grade.meaning)") }
        return lines
    }

    /// The same for programs.
    var json: JSONValue {
        let answers = findings.map { finding -> JSONValue in
            .object([
                "type": .string(finding.type.rawValue), "answer": .string(finding.word),
                "records": .array(finding.records.map { .string($0) }), "ms": .double(rounded(finding.time)),
            ])
        }
        return .object([
            "servers": .array(servers.map { .string($0.description) }), "source": .string(source),
            "answers": .array(answers), "spf": check.map { json($0.check, $0.time) } ?? .null,
        ])
    }

    private func json(_ check: SPFCheck, _ time: Duration) -> JSONValue {
        switch check {
        case .notAsked(let reason): return .object(["not_asked": .string("\(reason)")])
        case .outcome(let outcome):
            let path = outcome.path.map { term -> JSONValue in
                .object([
                    "domain": string(term.domain), "term": string(term.text), "kind": .string(term.kind.rawValue),
                    "target": term.target.map(string) ?? .null,
                ])
            }
            let problem = outcome.problem.map { problem -> JSONValue in
                .object([
                    "cause": .string(problem.cause.rawValue), "domain": string(problem.domain),
                    "term": problem.term.map(string) ?? .null,
                ])
            }
            return .object([
                "result": .string(outcome.result.rawValue),
                "grade": outcome.grade.map { .string($0.rawValue) } ?? .null,
                "scope": .string(outcome.scope.rawValue), "domain": string(outcome.domain), "path": .array(path),
                "problem": problem ?? .null, "ms": .double(rounded(time)),
            ])
        }
    }

    private func string(_ bytes: [UInt8]) -> JSONValue { .string(String(decoding: bytes, as: UTF8.self)) }
    private func shown(_ bytes: [UInt8]) -> String { bareOrQuoted(String(decoding: bytes, as: UTF8.self)) }

    private func rounded(_ time: Duration) -> Double { (time / .microseconds(100)).rounded() / 10 }
    private func milliseconds(_ time: Duration) -> String { "\(rounded(time))" }
}

extension DNSExplanation.Finding {
    /// The records as text.
    var records: [String] {
        switch answer {
        case .addresses(let addresses): addresses.map(\.text)
        case .exchanges(let names): names.map { $0.isEmpty ? "." : String(decoding: $0, as: UTF8.self) }
        case .names(let strings), .texts(let strings): strings.map { String(decoding: $0, as: UTF8.self) }
        case .noSuchName, .noData, .temporaryError: []
        }
    }

    /// What the answer is, for programs.
    fileprivate var word: String {
        switch answer {
        case .noSuchName: "no_such_name"
        case .temporaryError: "temporary_error"
        default: records.isEmpty ? "no_records" : "records"
        }
    }
}

extension SPFGrade {
    /// What it means, for an administrator.
    fileprivate var meaning: String {
        switch self {
        case .strong: "the domain names the client"
        case .dynamic: "the domain's name server decides for each client or sender"
        case .guess: "the domain has no SPF record, but the client is near to its host or its mail exchangers"
        case .open: "the domain names so many that it proves nothing"
        }
    }
}

extension SPFAddress {
    /// As inet_ntop(3) writes it.
    fileprivate var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch self {
        case .ipv4(let value):
            var address = in_addr(s_addr: value.bigEndian)
            inet_ntop(AF_INET, &address, &buffer, socklen_t(buffer.count))
        case .ipv6(let value):
            var bytes = value.bigEndian
            inet_ntop(AF_INET6, &bytes, &buffer, socklen_t(buffer.count))
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
