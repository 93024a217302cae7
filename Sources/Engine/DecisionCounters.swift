import Greylist
public import Policy
public import SPF

/// How many decisions there were, by what metrics tell of them.
///
/// Plain numbers of one event loop; those of several are added up.
public struct DecisionCounters: Sendable, Equatable {
    /// The state of the SMTP dialogue in which was asked, as Postfix names it.
    public enum State: Int, Sendable, CaseIterable {
        case none, connect, ehlo, helo, mail, rcpt, data, endOfMessage, vrfy, etrn, other

        /// The value of the attribute, in the form of a label.
        public var text: StaticString {
            switch self {
            case .none: "none"
            case .connect: "CONNECT"
            case .ehlo: "EHLO"
            case .helo: "HELO"
            case .mail: "MAIL"
            case .rcpt: "RCPT"
            case .data: "DATA"
            case .endOfMessage: "END-OF-MESSAGE"
            case .vrfy: "VRFY"
            case .etrn: "ETRN"
            case .other: "other"
            }
        }
    }

    /// By ``State``.
    public private(set) var requests = [Int](repeating: 0, count: State.allCases.count)
    /// By reason, in the order of ``ReasonCode``: those that let mail pass.
    public private(set) var passes = [Int](repeating: 0, count: ReasonCode.allCases.count)
    /// Likewise, those that had it wait, or would have where the site only observes.
    public private(set) var deferrals = [Int](repeating: 0, count: ReasonCode.allCases.count)
    /// First attempts, in the order of `ClientIdentity.Proof`.
    public private(set) var firstAttempts = [Int](repeating: 0, count: ClientIdentity.Proof.allCases.count)
    /// First passes, by proof and then by the key that matched.
    public private(set) var retries = [Int](
        repeating: 0, count: ClientIdentity.Proof.allCases.count * ClientIdentity.MatchedKey.allCases.count)
    /// Seconds from the first attempt to the first pass, by proof.
    public private(set) var waits = [Histogram](
        repeating: Histogram(.waits), count: ClientIdentity.Proof.allCases.count)
    /// Outcomes of SPF that a decision was made by, by result and then by grade; the last grade is none.
    public private(set) var outcomes = [Int](
        repeating: 0, count: SPFResult.allCases.count * (SPFGrade.allCases.count + 1))
    /// Requests that were answered before the DNS was.
    public private(set) var budgetsExceeded = 0

    /// None yet.
    public init() {}

    /// Counts a decision.
    public mutating func note(_ record: DecisionRecord, on request: PolicyRequest) {
        let code = Int(record.reason.code.rawValue)
        if record.isGreylisting { deferrals[code] += 1 } else { passes[code] += 1 }
        requests[State(of: request, isOther: record.reason == .notOurs(.otherState)).rawValue] += 1
        guard case .judged(let verdict) = record.reason else { return }
        let proof = (record.identity?.proof ?? .network).rawValue
        switch verdict {
        case .new, .pendingLimitReached: firstAttempts[proof] += 1
        case .retried(let delay):
            let matched = record.identity?.matched ?? .network
            retries[proof * ClientIdentity.MatchedKey.allCases.count + matched.rawValue] += 1
            waits[proof].observe(Double(delay))
        case .early, .known, .autoWhitelisted, .carried, .spared, .released: break
        }
        switch record.identity?.search {
        case .ended(let outcome, _): outcomes[Self.slot(outcome.result, outcome.grade)] += 1
        case .late: budgetsExceeded += 1
        case .notAsked, nil: break
        }
    }

    /// The slot in `outcomes`.
    public static func slot(_ result: SPFResult, _ grade: SPFGrade?) -> Int {
        let grades = SPFGrade.allCases
        let place = grade.flatMap { grades.firstIndex(of: $0) } ?? grades.count
        return (SPFResult.allCases.firstIndex(of: result) ?? 0) * (grades.count + 1) + place
    }

    /// Adds those of another event loop.
    public static func += (left: inout DecisionCounters, right: DecisionCounters) {
        func add(_ path: WritableKeyPath<DecisionCounters, [Int]>) {
            for index in left[keyPath: path].indices { left[keyPath: path][index] += right[keyPath: path][index] }
        }
        for path in [\DecisionCounters.requests, \.passes, \.deferrals, \.firstAttempts, \.retries, \.outcomes] {
            add(path)
        }
        for index in left.waits.indices { left.waits[index] += right.waits[index] }
        left.budgetsExceeded += right.budgetsExceeded
    }
}

extension DecisionCounters.State {
    /// That of a request.
    ///
    /// - Parameter isOther: whether it was asked in another one than RCPT
    init(of request: PolicyRequest, isOther: Bool) {
        guard isOther else {
            self = request.isEmpty(.protocolState) ? .none : .rcpt
            return
        }
        let known = Self.allCases.first { state in
            state != .none && state != .other && request.value(of: .protocolState, is: state.text)
        }
        self = known ?? .other
    }
}
