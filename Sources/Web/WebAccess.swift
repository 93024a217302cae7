import Crypto
import NIOConcurrencyHelpers

/// Who may see addresses: the browser that was opened with a code which only `tprtctl web` prints.
///
/// There is no password that could be weak, or be compared badly. All of it is in memory and ends with the process. Safe to
/// use from any thread.
public final class WebAccess: Sendable {
    /// How many codes are valid at once; the oldest gives way.
    static let codes = 16
    /// How long a code is valid.
    static let codeLifetime = Duration.seconds(60)
    /// How many browsers are signed in at once; the one that signed in first gives way.
    static let sessions = 64
    /// How long a browser is signed in.
    static let sessionLifetime = Duration.seconds(12 * 3_600)
    /// How many wrong codes and cookies a minute may have; then codes are refused.
    static let wrongTries = 10
    static let minute = Duration.seconds(60)

    private struct State {
        var codes = TokenTable(limit: WebAccess.codes, lifetime: WebAccess.codeLifetime)
        var sessions = TokenTable(limit: WebAccess.sessions, lifetime: WebAccess.sessionLifetime)
        /// When the last wrong ones came, the oldest first.
        var wrongTries: [ContinuousClock.Instant] = []

        func isPaused(at now: ContinuousClock.Instant) -> Bool {
            wrongTries.count { $0 > now - WebAccess.minute } >= WebAccess.wrongTries
        }

        /// Counts a wrong one, unless there were too many already.
        mutating func noteWrongTry(at now: ContinuousClock.Instant) -> Standing {
            wrongTries.removeAll { $0 <= now - WebAccess.minute }
            guard wrongTries.count < WebAccess.wrongTries else { return .paused }
            wrongTries.append(now)
            return .wrong(isLast: wrongTries.count == WebAccess.wrongTries)
        }
    }

    /// What a code or a cookie proves.
    enum Standing: Equatable, Sendable {
        /// The browser is signed in.
        case signedIn
        /// It was let in just now, and is to show this token from now on.
        case admitted(token: String)
        /// It has shown nothing.
        case unknown
        /// It has shown something that isn't ours, or no longer; codes are refused from now on if that is the last such try.
        case wrong(isLast: Bool)
        /// There were too many wrong ones; what it has shown is not let in, even if it is a code of ours.
        case paused
    }

    private let state = NIOLockedValueBox(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    /// Nobody is signed in yet.
    ///
    /// - Parameter now: a clock that nobody sets; tests hand in one that they move
    public init(now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.now = now
    }

    /// A code of 43 letters and digits that signs one browser in, once and within a minute: `http://…/?code=CODE`.
    public func makeCode() -> String {
        state.withLockedValue { $0.codes.issue(at: now()) }
    }

    /// Takes a code, which is used up by that, from a browser that has these cookies besides.
    ///
    /// One that is signed in already stays so with a wrong code, too.
    func signIn(code: String, cookies: [String]) -> Standing {
        state.withLockedValue { state in
            let now = now()
            let isSignedIn = state.sessions.holds(anyOf: cookies, at: now)
            if !isSignedIn, state.isPaused(at: now) { return .paused }
            if state.codes.take(code, at: now) { return .admitted(token: state.sessions.issue(at: now)) }
            return isSignedIn ? .signedIn : state.noteWrongTry(at: now)
        }
    }

    /// What a browser with these cookies is; a valid one counts however many wrong ones there were.
    func standing(cookies: [String]) -> Standing {
        guard !cookies.isEmpty else { return .unknown }
        return state.withLockedValue { state in
            let now = now()
            return state.sessions.holds(anyOf: cookies, at: now) ? .signedIn : state.noteWrongTry(at: now)
        }
    }
}

/// Random tokens that are valid for a time, so many at most.
///
/// Only their digests are kept.
struct TokenTable {
    /// 43 of 62 letters and digits: 256 bits.
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
    private static let length = 43

    let limit: Int
    let lifetime: Duration
    /// The oldest first.
    private var entries: [(digest: SHA256Digest, end: ContinuousClock.Instant)] = []

    init(limit: Int, lifetime: Duration) {
        self.limit = limit
        self.lifetime = lifetime
    }

    var count: Int { entries.count }

    /// A new token, of the system's random numbers; the oldest one gives way to it where there are too many.
    mutating func issue(at now: ContinuousClock.Instant) -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<Self.length).map { _ in
            Self.alphabet[Int.random(in: Self.alphabet.indices, using: &generator)]
        }
        let token = String(decoding: bytes, as: UTF8.self)
        forgetOld(at: now)
        if entries.count == limit { entries.removeFirst() }
        entries.append((SHA256.hash(data: bytes), now + lifetime))
        return token
    }

    /// Whether one of these is valid.
    mutating func holds(anyOf tokens: [String], at now: ContinuousClock.Instant) -> Bool {
        forgetOld(at: now)
        return tokens.count { index(of: $0) != nil } > 0
    }

    /// Whether it was valid, which it is no longer.
    mutating func take(_ token: String, at now: ContinuousClock.Instant) -> Bool {
        forgetOld(at: now)
        guard let index = index(of: token) else { return false }
        entries.remove(at: index)
        return true
    }

    /// Where it is.
    ///
    /// That takes as long for a wrong token as for a right one, wherever it differs: digests are compared, all of
    /// them, each in constant time.
    private func index(of token: String) -> Int? {
        let digest = SHA256.hash(data: Array(token.utf8))
        var found: Int?
        for (index, entry) in entries.enumerated() where entry.digest == digest { found = index }
        return found
    }

    private mutating func forgetOld(at now: ContinuousClock.Instant) {
        entries.removeAll { $0.end <= now }
    }
}
