import Foundation
import Synchronization

/// Raises the soft limit of open files of the tests, and of what they start, to at least `count`.
func allowOpenFiles(_ count: Int) throws {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { throw HarnessError.system("getrlimit") }
    guard limit.rlim_cur < rlim_t(count) else { return }
    guard limit.rlim_max >= rlim_t(count) else {
        throw HarnessError("this test needs \(count) open files: raise the hard limit (ulimit -Hn)")
    }
    limit.rlim_cur = rlim_t(count)
    guard setrlimit(resource, &limit) == 0 else { throw HarnessError.system("setrlimit") }
}

/// A number that several threads count up.
final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }

    /// Counts one more and returns how many there are now.
    func increment() -> Int {
        number.add(1, ordering: .relaxed).newValue
    }
}
