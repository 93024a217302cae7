/// Tries `attempt` until it gives a value, every `interval`; throws when `limit` has passed.
///
/// It sleeps in between and keeps no thread. The limit is generous since the machine may be busy.
nonisolated(nonsending) public func eventually<Value>(
    _ what: @autoclosure () -> String,
    within limit: Duration = .seconds(60),
    every interval: Duration = .milliseconds(20),
    _ attempt: nonisolated(nonsending) () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await attempt() {
            return value
        }
        if ContinuousClock.now >= deadline {
            throw LabError("waited \(limit) in vain: \(what())")
        }
        try await Task.sleep(for: interval)
    }
}

/// Waits until `condition` holds, and throws when `limit` has passed.
nonisolated(nonsending) public func waitUntil(
    _ what: @autoclosure () -> String,
    within limit: Duration = .seconds(60),
    every interval: Duration = .milliseconds(20),
    _ condition: nonisolated(nonsending) () async throws -> Bool
) async throws {
    try await eventually(what(), within: limit, every: interval) { try await condition() ? () : nil }
}

/// Like `eventually`, for servers that change their roles, and lose or close connections meanwhile.
///
/// A command that fails means "not yet".
nonisolated(nonsending) func eventuallySettled<Value>(
    _ what: String, _ attempt: nonisolated(nonsending) () async throws -> Value?
) async throws -> Value {
    var failure: LabError?
    return try await eventually(
        what + (failure.map { "; at last \($0)" } ?? ""), within: .seconds(90), every: .milliseconds(100)
    ) {
        do {
            failure = nil
            return try await attempt()
        } catch let error as LabError {
            failure = error
            return nil
        }
    }
}

/// Runs `body` to its end even if the task that calls was cancelled: what a test started has to go all the same.
func shielded<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
    await Task.detached(operation: body).value
}
