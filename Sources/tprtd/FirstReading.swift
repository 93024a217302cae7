import NIOConcurrencyHelpers
import NIOPosix
import WhitelistFiles

/// The reading of the whitelists at the start, off the event loops and off the main thread.
///
/// Millions of entries take a while. Mail doesn't wait for that: what isn't read in time comes into force later.
final class FirstReading: Sendable {
    /// How long the start waits for it.
    static let patience = Duration.seconds(5)

    private typealias Reading = WhitelistSources.Reading

    private let task: Task<Reading?, Never>
    private let isTaken = NIOLockedValueBox(false)

    /// Begins to read.
    init(of sources: WhitelistSources, through files: FileAccess) {
        task = Task.detached {
            try? await NIOThreadPool.singleton.runIfActive { sources.read(through: files) }
        }
    }

    /// The result, if it is there within that time.
    func result(within limit: Duration) async -> WhitelistSources.Reading? {
        let (results, first) = AsyncStream.makeStream(of: Reading?.self)
        let clock = Task.detached {
            try? await Task.sleep(for: limit)
            first.yield(nil)
        }
        Task.detached { [task] in first.yield(await task.value) }
        var iterator = results.makeAsyncIterator()
        let result = await iterator.next() ?? nil
        clock.cancel()
        if result != nil { isTaken.withLockedValue { $0 = true } }
        return result
    }

    /// The result, once, where it wasn't there in time; waits for it.
    func late() async -> WhitelistSources.Reading? {
        let isWanted = isTaken.withLockedValue { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
        return isWanted ? await task.value : nil
    }
}
