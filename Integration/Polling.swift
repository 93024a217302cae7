import Foundation

/// How long a test waits for something that should come soon, on a busy machine too.
let patience: TimeInterval = 90

/// Seconds on a clock that nobody sets.
func uptime() -> TimeInterval {
    ProcessInfo.processInfo.systemUptime
}

/// Tries `attempt` until it gives a value, every `interval` seconds; throws when `patience` seconds have passed.
func eventually<Value>(
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
            throw HarnessError("waited \(Int(limit)) s in vain: \(what())")
        }
        Thread.sleep(forTimeInterval: interval)
    }
}
