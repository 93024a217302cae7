public import Foundation

/// Something in the surroundings of a test went wrong; the text says what, and what to do where that is known.
public struct TestError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String

    /// An error with this text.
    public init(_ description: String) {
        self.description = description
    }

    /// The failure of a system call, with the text that belongs to `code`.
    public static func system(_ call: String, _ code: Int32 = errno) -> TestError {
        TestError("\(call): \(String(cString: strerror(code)))")
    }
}

/// Writes a line for whoever looks at the test run.
public func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}

/// How many seconds a blocking test waits for something that should come soon, on a busy machine too.
public let patience: TimeInterval = 90

/// Seconds on a clock that nobody sets.
public func uptime() -> TimeInterval {
    ProcessInfo.processInfo.systemUptime
}

/// Tries `attempt` until it gives a value, every `interval` seconds; throws when `limit` seconds have passed.
///
/// It blocks the thread in between.
public func eventually<Value>(
    _ what: @autoclosure () -> String,
    within limit: TimeInterval = patience,
    every interval: TimeInterval = 0.02,
    _ attempt: () throws -> Value?
) throws -> Value {
    let deadline = uptime() + limit
    while true {
        if let value = try attempt() {
            return value
        }
        if uptime() >= deadline {
            throw TestError("waited \(Int(limit)) s in vain: \(what())")
        }
        Thread.sleep(forTimeInterval: interval)
    }
}

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
            throw TestError("waited \(limit) in vain: \(what())")
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

/// Runs `body` to its end even if the task that calls was cancelled: what a test started has to go all the same.
public func shielded<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
    await Task.detached(operation: body).value
}
