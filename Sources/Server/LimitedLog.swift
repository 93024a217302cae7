import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Logs what clients can cause, apart from decisions: each kind of line no oftener than `LineLimiter` allows.
///
/// So nobody can fill a disk, or hide a line among thousands. How many were suppressed is told when the span is over.
final class LimitedLog: Sendable {
    /// What a line is about; lines of one kind are limited together.
    enum Kind: Int, CaseIterable {
        case disconnection, strayLines, connectionLimit, accepting, controlRefusal, reload, fallbackSync

        /// What the suppressed lines were about, in words.
        fileprivate var subject: String {
            switch self {
            case .disconnection: "clients disconnected without a reply"
            case .strayLines: "lines before a first request skipped"
            case .connectionLimit: "connection limit reached"
            case .accepting: "connections not accepted, or accepted again"
            case .controlRefusal: "clients refused by the control socket"
            case .reload: "reloads asked for by the control socket"
            case .fallbackSync: "entries handed over to the store"
            }
        }
    }

    private let limiters = NIOLockedValueBox([LineLimiter](repeating: LineLimiter(), count: Kind.allCases.count))
    private let logger: Logger
    private let clock: any EventLoop

    /// A log that has seen nothing.
    ///
    /// - Parameter clock: tells the time, and runs what is due
    init(logger: Logger, clock: any EventLoop) {
        self.logger = logger
        self.clock = clock
    }

    /// Logs a line, or counts it.
    func log(_ kind: Kind, level: Logger.Level = .warning, _ text: @autoclosure () -> String) {
        if admits(kind, level) { logger.log(level: level, "\(text())") }
    }

    /// Whether something of that kind may be logged now; asked once for each, since a no is counted.
    func admits(_ kind: Kind, _ level: Logger.Level = .warning) -> Bool {
        guard logger.logLevel <= level else { return false }
        let (isAdmitted, suppressed, due) = limiters.withLockedValue { limiters in
            let wasDue = limiters[kind.rawValue].due
            let (isAdmitted, suppressed) = limiters[kind.rawValue].admit(at: clock.now)
            let due = limiters[kind.rawValue].due
            return (isAdmitted, suppressed, due == wasDue ? nil : due)
        }
        tell(suppressed, of: kind)
        if let due {
            clock.scheduleTask(deadline: due) { [self] in
                tell(limiters.withLockedValue { $0[kind.rawValue].takeSuppressed(at: clock.now) }, of: kind)
            }
        }
        return isAdmitted
    }

    /// Tells of all that was suppressed and not told of yet; for the end of the server.
    func finish() {
        for kind in Kind.allCases { tell(limiters.withLockedValue { $0[kind.rawValue].takeSuppressed() }, of: kind) }
    }

    private func tell(_ suppressed: Int, of kind: Kind) {
        guard suppressed > 0 else { return }
        logger.warning("\(suppressed) similar messages suppressed: \(kind.subject)")
    }
}

/// Lets so many lines of a kind into the log in a span of time, and counts the others.
///
/// A value that is told the time: `LimitedLog` keeps one for each kind.
struct LineLimiter: Sendable {
    private let burst: Int
    private let span: TimeAmount
    private var start: NIODeadline?
    private var admitted = 0
    private var suppressed = 0

    /// A limiter that has seen nothing; by default ten lines a minute pass.
    init(burst: Int = 10, span: TimeAmount = .minutes(1)) {
        self.burst = burst
        self.span = span
    }

    /// When the suppressed lines are to be told of, if nothing tells of them before; nil where there are none.
    var due: NIODeadline? {
        guard suppressed > 0, let start else { return nil }
        return start + span
    }

    /// Whether one more line may be written, and how many were suppressed in the span that is over, to be told first.
    mutating func admit(at now: NIODeadline) -> (isAdmitted: Bool, suppressed: Int) {
        let before = takeSuppressed(at: now)
        if start.map({ now >= $0 + span }) ?? true {
            start = now
            admitted = 0
        }
        guard admitted < burst else {
            suppressed += 1
            return (false, before)
        }
        admitted += 1
        return (true, before)
    }

    /// How many were suppressed in the span that is over, each of them once; 0 while it lasts.
    mutating func takeSuppressed(at now: NIODeadline) -> Int {
        guard let due, due <= now else { return 0 }
        return takeSuppressed()
    }

    /// How many were suppressed and not told of yet, whether or not the span is over.
    mutating func takeSuppressed() -> Int {
        defer { suppressed = 0 }
        return suppressed
    }
}
