import NIOConcurrencyHelpers

@testable import Web

extension WebRoute {
    /// What says at once what it was asked.
    static let echo = WebRoute("/echo", needsToken: false) { request in
        let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return WebResponse(.ok, text: "\(request.path) \(query)")
    }

    /// What says so many bytes at once.
    static func large(_ size: Int) -> WebRoute {
        WebRoute("/large", needsToken: false) { _ in
            WebResponse(contentType: "text/plain", body: [UInt8](repeating: 0x78, count: size))
        }
    }

    /// What says nothing before a gate is open, cancelled or not.
    static func gated(_ gate: Gate) -> WebRoute {
        WebRoute("/gated", needsToken: false) { _ in
            await gate.pass()
            return WebResponse(.ok, text: Task.isCancelled ? "cancelled" : "passed")
        }
    }

    /// What goes on until it is cancelled; says so to `cancelled` then.
    static func endless(begun: Gate, cancelled: Gate) -> WebRoute {
        WebRoute("/endless", needsToken: false) { _ in
            begun.open()
            let (never, source) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            withExtendedLifetime(source) {}
            cancelled.open()
            return WebResponse(.ok, text: "cancelled")
        }
    }
}

/// Tasks wait at it until it is open.
final class Gate: Sendable {
    private let state = NIOLockedValueBox<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func open() {
        let waiting = state.withLockedValue { state in
            defer { state = (true, []) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLockedValue { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
