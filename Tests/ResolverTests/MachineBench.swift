import NIOCore
import SPF
import Testing

@testable import Resolver

/// A machine with a clock that is moved, and what it did so far; who asks is a number.
struct MachineBench {
    var machine: ResolverMachine<Int>
    /// What is with the servers, in the order in which it was sent.
    private(set) var sent: [(number: UInt64, question: DNSQuestion)] = []
    private(set) var cancelled: [UInt64] = []
    private(set) var renewals = 0
    private(set) var outages: [Bool] = []
    private(set) var answers: [Int: DNSAnswer] = [:]
    private(set) var checks: [Int: SPFCheck] = [:]
    private(set) var lifetimes: [Int: TimeAmount] = [:]

    init(timeout: TimeAmount = .seconds(5), _ change: (inout ResolverLimits) -> Void = { _ in }) {
        var limits = ResolverLimits()
        change(&limits)
        machine = ResolverMachine(timeout: timeout, limits: limits)
    }

    /// Takes what the machine wants done; each caller is told once.
    private mutating func settle() {
        for action in machine.takeActions() {
            switch action {
            case .send(let number, let question): sent.append((number, question))
            case .cancel(let number):
                cancelled.append(number)
                sent.removeAll { $0.number == number }
            case .renew:
                renewals += 1
                sent = []
            case .answer(let caller, let answer, let lifetime):
                #expect(answers.updateValue(answer, forKey: caller) == nil, "\(caller) is told twice")
                lifetimes[caller] = lifetime
            case .conclude(let caller, let check, let lifetime):
                #expect(checks.updateValue(check, forKey: caller) == nil, "\(caller) is told twice")
                lifetimes[caller] = lifetime
            case .noteOutage(let isDown): outages.append(isDown)
            }
        }
    }

    mutating func look(up name: String, _ type: DNSRecordType = .a, for caller: Int, at milliseconds: Int64 = 0) throws
    {
        machine.look(up: try #require(DNSQuestion(Array(name.utf8), type)), for: caller, at: at(milliseconds))
        settle()
    }

    mutating func check(_ subject: SPFSubject, for caller: Int, at milliseconds: Int64 = 0) {
        machine.check(subject, for: caller, at: at(milliseconds))
        settle()
    }

    /// Answers the oldest question that is with the servers.
    mutating func answer(_ answer: DNSAnswer?, ttl: Int64? = 300, at milliseconds: Int64 = 0) {
        let (number, _) = sent.removeFirst()
        machine.answer(number, answer, lifetime: ttl.map { .seconds($0) }, at: at(milliseconds))
        settle()
    }

    /// Answers all texts with this record, and all else as not there, until nothing is asked.
    mutating func answerAll(_ record: String, ttl: Int64? = 300, at milliseconds: Int64 = 0) {
        while let (_, question) = sent.first {
            answer(question.type == .txt ? .texts([Array(record.utf8)]) : .noData, ttl: ttl, at: milliseconds)
        }
    }

    mutating func expire(at milliseconds: Int64) {
        machine.expire(at: at(milliseconds))
        settle()
    }

    mutating func change(_ change: (inout ResolverMachine<Int>) -> Void) {
        change(&machine)
        settle()
    }

    /// The questions that are with the servers.
    var names: [String] { sent.map { String(decoding: $0.question.name, as: UTF8.self) } }

    /// The result of a check, or why it wasn't made.
    func result(_ caller: Int) -> String? {
        checks[caller].map {
            switch $0 {
            case .outcome(let outcome): outcome.result.rawValue
            case .notAsked(let reason): "\(reason)"
            }
        }
    }
}
