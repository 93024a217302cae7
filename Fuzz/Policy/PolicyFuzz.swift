import Engine
import Greylist
import JSONText
import NIOCore
import Policy
import SampleOptions
import Storage

@testable import LogOutput

/// What Postfix sends: the first byte says how large the pieces are in which the others come.
///
/// They are read the same as in one piece, and a value is the same by its place and by its name. A client that makes the same
/// request again when its time has come need not wait any longer. What it sent reaches neither the form of a reply nor that
/// of a log line.
@Sendable func checkPolicy(_ input: [UInt8]) throws(BrokenPromise) {
    guard let size = input.first else { return }
    let whole = Reading(input.dropFirst(), inPiecesOf: input.count)
    let parts = Reading(input.dropFirst(), inPiecesOf: Int(size) + 1)
    try expect(parts.error == whole.error, "in pieces the error is \(parts.error?.text ?? "none")")
    try expect(parts.requests.map(\.values) == whole.requests.map(\.values), "in pieces it is read otherwise")
    for request in whole.requests {
        for attribute in PolicyAttribute.allCases {
            let value = request.value(of: attribute)
            let named = request.read(named: "\(attribute.name)") { $0.bytes }
            try expect(named == value, "\(attribute.name) is \(value), and \(named) by its name")
            try expect(request.isEmpty(attribute) == value.isEmpty, "\(attribute.name) is empty, and isn't")
            try expect(value.isEmpty || request.has(attribute), "\(attribute.name) is there, and isn't")
            try expect(!value.contains(UInt8(ascii: "\n")), "\(attribute.name) holds the end of a line")
        }
    }
    var site = try Site()
    for request in whole.requests { try site.check(request) }
}

/// What comes out of a stream.
private struct Reading {
    var requests: [PolicyRequest] = []
    var error: PolicyError.Kind?

    init(_ bytes: ArraySlice<UInt8>, inPiecesOf size: Int) {
        let limits = PolicyLimits(
            line: 300, attributes: 20, request: 1_200, strayLines: 2, strayLine: 40, emptyLines: 9)
        var (decoder, buffer) = (PolicyDecoder(limits: limits), ByteBuffer())
        do throws(PolicyError) {
            for piece in pieces(of: bytes, size: size) {
                buffer.writeBytes(piece)
                while let request = try decoder.next(in: &buffer) { requests.append(request) }
            }
            try decoder.end(leaving: buffer)
        } catch {
            // Which of the two is noticed first depends on the pieces.
            self.error = error.kind == .requestTooLong ? .lineTooLong : error.kind
        }
    }
}

/// A site that knows senders by the names of their hosts, and hides nothing in its keys.
private struct Site {
    private let engine: PolicyEngine
    private var attempt = Attempt()
    private var limiter: PendingLimiter
    private var known: [Table: [Key: Sighting]] = [:]
    private var now = Timestamp(seconds: 1_795_340_130)

    init() throws(BrokenPromise) {
        var options = PolicyEngine.Options.sample()
        options.rules.clientCount = 5
        options.identity = .name
        options.keys = .plain
        options.foldsRecipient = true
        options.postgreyDigests = .network(ipv4: 24, ipv6: 64)
        do throws(Wording.ParseError) {
            let wording = try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted {recipient_domain}, {wait} s",
                header: "X-Greylist: {date}",
                hostname: "mx.example.com")
            engine = PolicyEngine(options: options, wording: wording)
        } catch {
            throw BrokenPromise(description: "no wording: \(error)")
        }
        limiter = PendingLimiter(rules: options.rules)
    }

    mutating func check(_ request: PolicyRequest) throws(BrokenPromise) {
        let first = try play(request)
        now = Timestamp(seconds: now.seconds + engine.options.rules.delay)
        let second = try play(request)
        try expect(!second.isGreylisting, "\(first.reason.text) is followed by \(second.reason.text)")
        for record in [first, second] {
            try checkReply(record.reply)
            try checkLines(record, on: request)
        }
    }

    private mutating func play(_ request: PolicyRequest) throws(BrokenPromise) -> DecisionRecord {
        var message = MessageProgress()
        switch engine.decide(request, of: &message, at: now, using: &attempt) {
        case .done(let record): return record
        case .needsFacts: throw BrokenPromise(description: "facts are asked for, and no whitelist is there")
        case .needsStore(let decision, var query):
            var known = known
            query.answer(noting: &limiter) { lookup in
                known[lookup.table]?[lookup.key].map { ($0, 0) }
            } write: { lookup, sighting in
                known[lookup.table, default: [:]][lookup.key] = sighting
                return true
            }
            limiter.commit()
            self.known = known
            guard let judgement = query.judgement else { throw BrokenPromise(description: "nothing is judged") }
            return engine.settle(decision, by: .judged(judgement), at: now)
        }
    }

    private func checkReply(_ reply: PolicyReply) throws(BrokenPromise) {
        let bytes = Array(PolicyEncoder().bytes(of: reply).readableBytesView)
        try expect(bytes.starts(with: "action=".utf8) && bytes.suffix(2) == [10, 10], "not a reply: \(bytes)")
        try expect(bytes.dropLast(2).allSatisfy(\.isOfLine), "bytes of the client's in a reply: \(bytes)")
        try expect(bytes.count <= 400, "a reply of \(bytes.count) bytes")
    }

    private func checkLines(_ record: DecisionRecord, on request: PolicyRequest) throws(BrokenPromise) {
        var line: [UInt8] = []
        line.append(decision: record, on: request, as: nil)
        try expect(line.allSatisfy(\.isOfLine), "bytes of the client's in a log line: \(line)")
        var logfmt: [UInt8] = []
        logfmt.append(fieldsOf: record, on: request, as: nil, .logfmt)
        try expect(logfmt.allSatisfy(\.isOfLine), "bytes of the client's in logfmt: \(logfmt)")
        var object = Array("{\"level\":\"info\"".utf8)
        object.append(fieldsOf: record, on: request, as: nil, .json)
        guard case .object(let members)? = (try? JSONParser.parse(object + "}".utf8))?.content else {
            throw BrokenPromise(description: "not JSON: \(String(decoding: object, as: UTF8.self))")
        }
        try expect(Set(members.map(\.key)).count == members.count, "a field comes twice: \(members.map(\.key))")
    }
}

extension UInt8 {
    /// Whether a line of ours may have it: printable ASCII.
    fileprivate var isOfLine: Bool { (0x20...0x7e).contains(self) }
}

extension PolicyRequest {
    fileprivate func value(of attribute: PolicyAttribute) -> [UInt8] { read(attribute) { $0.bytes } }

    fileprivate var values: [[UInt8]] { PolicyAttribute.allCases.map { value(of: $0) } }
}
