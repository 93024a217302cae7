import Domains
import Engine
import Foundation
import Greylist
import History
import NIOCore
import Policy
import SampleOptions
import Storage

/// Fills a history with the mail of two weeks, as the engine decides about it and the daemon records it.
///
/// Six of ten first attempts are of clients that never come back; the others are tried once more seven minutes later,
/// and what passed brings more mail.
@main
struct HistoryBenchmark {
    private static let days: Int64 = 14
    private static let retryAfter: Int64 = 420
    private static let batchSize = 2_000

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let count = Int(arguments[2]), count > 0 else {
            FileHandle.standardError.write(Data("usage: history-benchmark FILE ATTEMPTS\n".utf8))
            exit(2)
        }
        var filler = try HistoryBenchmark(
            path: arguments[1], until: Int64(Date().timeIntervalSince1970), attempts: count)
        try filler.fill(count)
    }

    private let engine: PolicyEngine
    private let store = MemoryStore()
    private var attempt = Attempt()
    private var message = MessageProgress()
    private var writer: HistoryWriter
    private var batch = DecisionBatch()
    private var random = SplitMix(state: 1)
    private var time: Int64
    private let step: Double
    private var retries: [(due: Int64, mail: Int)] = []
    private var nextRetry = 0
    private var known: [Int] = []

    private init(path: String, until end: Int64, attempts: Int) throws {
        var options = PolicyEngine.Options.sample()
        options.identity = .name
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx")
        engine = PolicyEngine(options: options, wording: wording)
        time = end - Self.days * 86_400
        // Each attempt that is not a retry moves time on; a quarter of the others are.
        step = Double(Self.days * 86_400) / Double(attempts)
        writer = try HistoryWriter(
            HistoryOptions(
                path: path, maxAge: 30 * 86_400, maxSize: 16 << 30, addresses: .full, masks: options.masks,
                foldsRecipient: false), at: Timestamp(seconds: time))
    }

    private mutating func fill(_ count: Int) throws {
        let start = time
        var mail = 0
        for number in 0..<count {
            time = start + Int64(Double(number) * step)
            if nextRetry < retries.count, retries[nextRetry].due <= time {
                let due = retries[nextRetry].mail
                nextRetry += 1
                known.append(due)
                try decide(due)
            } else {
                try decide(mail)
                if random.below(10) < 4 { retries.append((time + Self.retryAfter, mail)) }
                mail += 1
            }
            // Mail of known senders is counted by the day.
            if !known.isEmpty, random.below(4) == 0 { try decide(known[random.below(known.count)]) }
            if batch.count >= Self.batchSize { record() }
        }
        record()
        writer.close()
        print("\(writer.counts.cases) \(writer.counts.attempts) \(writer.counts.dropped)")
    }

    private mutating func decide(_ mail: Int) throws {
        let now = Timestamp(seconds: time)
        let request = try Self.request(mail)
        message = MessageProgress()
        guard
            case .needsStore(let decision, let query) = engine.decide(request, of: &message, at: now, using: &attempt),
            let judgement = store.decide([query]).first?.judgement,
            case .done(let record) = engine.finish(decision, with: .judged(judgement), at: now)
        else { preconditionFailure("a store in memory answers, and nobody else is asked") }
        batch.append(record, on: request, at: now)
    }

    private mutating func record() {
        let notice = writer.write(batch, dropped: 0, at: Timestamp(seconds: time))
        if let notice { fatalError("the history can't be written: \(notice)") }
        var passes = [Int](repeating: 0, count: ReasonCode.allCases.count)
        var deferrals = passes
        for decision in batch.decisions {
            if decision.isDeferral {
                deferrals[Int(decision.reason.rawValue)] += 1
            } else {
                passes[Int(decision.reason.rawValue)] += 1
            }
        }
        _ = writer.record(
            minute: Timestamp(seconds: time), passes: passes, deferrals: deferrals, at: Timestamp(seconds: time))
        batch.removeAll()
    }

    /// The request of a mail: of each hundred sites one sends a fifth of the mail.
    private static func request(_ mail: Int) throws -> PolicyRequest {
        var random = SplitMix(state: UInt64(mail) &* 0x9E37_79B9 &+ 7)
        let site = random.below(5) == 0 ? random.below(200) : random.below(20_000)
        let host = random.below(4)
        let lines = [
            "request=smtpd_access_policy", "protocol_state=RCPT",
            "client_address=\(site >> 16 & 63 + 64).\(site >> 8 & 255).\(site & 255).\(host + 10)",
            "client_name=mx\(host).site-\(site).example", "helo_name=mx\(host).site-\(site).example",
            "sender=sender.\(random.below(1_000_000))@site-\(site).example",
            "recipient=user.\(random.below(2_000))@example.com", "", "",
        ]
        var (buffer, decoder) = (ByteBuffer(string: lines.joined(separator: "\n")), PolicyDecoder())
        guard let request = try decoder.next(in: &buffer) else {
            preconditionFailure("a request ends with an empty line")
        }
        return request
    }
}

/// Random numbers that are the same in each run.
private struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
