import Engine
import Greylist
import History
import JSONText

/// What programs read of a history: times are seconds since 1970.
extension HistoryCase {
    /// The case as an object.
    ///
    /// - Parameters:
    ///   - now: the moment for which its state is told
    ///   - window: how many seconds a first attempt is valid
    func json(at now: Timestamp, window: Int64) -> [String: JSONValue] {
        [
            "id": .int(Int(id)), "sender": .string(sender), "recipient": .string(recipient),
            "organisation": .string(organisation), "networks": .array(networks.map { .string($0) }),
            "names": .array(names.map { .string($0) }), "first_attempt": JSONValue(firstAttempt),
            "last_attempt": JSONValue(lastAttempt), "attempts": .int(attempts), "deferrals": .int(deferrals),
            "may_pass_at": JSONValue(mayPassAt), "passed_at": JSONValue(passedAt), "waited": JSONValue(waited),
            "beyond_delay": JSONValue(waitedBeyondDelay), "reason": JSONValue(reason.map { "\($0.text)" }),
            "proof": JSONValue(proof.map { "\($0.word)" }), "matched": JSONValue(matched.map { "\($0.word)" }),
            "observed": .bool(isObserved), "state": .string(state(at: now, window: window).word),
        ]
    }
}

extension HistoryCase.State {
    /// The state in a word.
    var word: String {
        switch self {
        case .waiting: "waiting"
        case .passedAfterWaiting: "passed after waiting"
        case .passedAtOnce: "passed at once"
        case .neverCameBack: "never came back"
        case .observed: "observed"
        }
    }
}

extension HistoryAttempt {
    /// The attempt as an object, in the words of the log.
    var json: JSONValue {
        .object([
            "id": .int(Int(id)), "case": .int(Int(caseID)), "time": JSONValue(time), "last_time": JSONValue(lastTime),
            "count": .int(count), "action": .string(action), "reason": .string("\(reason.text)"),
            "first_pass": .bool(reason == .retried), "client_address": .string(clientAddress),
            "client_name": .string(clientName), "helo_name": .string(helo), "sender": .string(sender),
            "recipient": .string(recipient), "identity": .string(organisation),
            "proof": JSONValue(proof.map { "\($0.word)" }), "matched": JSONValue(matched.map { "\($0.word)" }),
            "wait": JSONValue(wait), "delay": JSONValue(delay), "dns_ms": JSONValue(dnsMilliseconds.map(Int64.init)),
            "entry": .string(entry), "observed": .bool(isObserved),
        ])
    }

    /// What was decided, in the log's word.
    var action: String { isDeferral ? "greylist" : "pass" }
}

extension JSONValue {
    init(_ moment: Timestamp) {
        self = .int(Int(moment.seconds))
    }

    init(_ moment: Timestamp?) {
        self = moment.map { JSONValue($0) } ?? .null
    }

    init(_ number: Int64?) {
        self = number.map { .int(Int($0)) } ?? .null
    }

    init(_ text: String?) {
        self = text.map { .string($0) } ?? .null
    }
}
