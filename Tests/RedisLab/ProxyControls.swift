import Foundation
import TestSupport

/// What the owner of a proxy and the proxy's thread tell each other.
final class ProxyControls: Sendable {
    /// Something to be done by the proxy's thread; it gets nil if that has ended.
    typealias Job = @Sendable (ProxyLoop?) -> Void

    private struct State {
        var settings = ProxySettings()
        var jobs: [Job] = []
        var isOver = false
        var seen = 0
        var open = 0
    }

    private let state = Locked(State())
    private let wakeUp: (reading: Int32, writing: Int32)

    init() throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw TestError.system("socketpair") }
        wakeUp = (ends[0], ends[1])
    }

    deinit {
        close(wakeUp.reading)
        close(wakeUp.writing)
    }

    var settings: ProxySettings { state.withLock(\.settings) }
    var connectionsSeen: Int { state.withLock(\.seen) }
    var connectionsOpen: Int { state.withLock(\.open) }

    /// Changes the settings and wakes the thread.
    func change(_ body: (inout ProxySettings) -> Void) {
        state.withLock { body(&$0.settings) }
        wake()
    }

    /// What is to become of the reply at hand; the next one isn't concerned.
    func takeTruncation() -> ProxySettings.Truncation? {
        state.withLock { state in
            defer { state.settings.truncation = nil }
            return state.settings.truncation
        }
    }

    func count(seen: Int = 0, open: Int) {
        state.withLock { state in
            state.seen += seen
            state.open = open
        }
    }

    /// Leaves a job for the thread.
    func post(_ job: @escaping Job) {
        let isOver = state.withLock { state in
            if !state.isOver {
                state.jobs.append(job)
            }
            return state.isOver
        }
        if isOver {
            job(nil)
        } else {
            wake()
        }
    }

    /// The jobs since the last time.
    func takeJobs() -> [Job] {
        state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
    }

    /// From now on nobody does any jobs.
    func finish() {
        let jobs = state.withLock { state in
            state.isOver = true
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in jobs {
            job(nil)
        }
    }

    /// Readable when the thread has been woken.
    var interest: pollfd { pollfd(fd: wakeUp.reading, events: Int16(POLLIN), revents: 0) }

    private func wake() {
        var byte: UInt8 = 0
        send(wakeUp.writing, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    /// Forgets that it was woken.
    func calm() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while recv(wakeUp.reading, &bytes, bytes.count, 0) > 0 {}
    }
}

/// What a proxy does to the traffic at the moment.
struct ProxySettings: Sendable {
    var latency = Duration.zero
    var blackhole = false
    var dribble: Duration?
    var truncation: Truncation?

    /// What becomes of the next reply.
    struct Truncation: Sendable {
        /// How many bytes of it pass; half of it if nil.
        var bytes: Int?
        var then: RedisProxy.AfterTruncation
    }
}
