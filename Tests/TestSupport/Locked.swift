import Foundation

/// A value behind a lock.
///
/// Foundation's lock and not the standard library's `Mutex`: that one is invisible to the thread sanitizer on Linux.
public final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    /// A value, handed over.
    public init(_ value: sending Value) {
        self.value = value
    }

    /// Calls `body` while nobody else has the value.
    public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
