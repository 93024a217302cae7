import Foundation

/// One direction of a connection through a proxy; it belongs to the proxy's thread.
final class ProxyFlow {
    private let source: Int32
    private let sink: Int32
    private var queue: [(due: ContinuousClock.Instant, bytes: [UInt8])] = []
    /// How many bytes pass before the flow stops; any number if nil.
    private var quota: Int?
    private var afterwards = RedisProxy.AfterTruncation.wait
    private var withheld: [UInt8] = []
    private var sourceEnded = false
    private var buffer = [UInt8](repeating: 0, count: 16_384)

    /// Whether the end of the stream was passed on.
    private(set) var isOver = false

    init(from source: Int32, to sink: Int32) {
        self.source = source
        self.sink = sink
    }

    /// Whether more should be read; not if much waits to be written.
    var wantsInput: Bool { !sourceEnded && queue.count < 1_000 && withheld.count < 1 << 20 }

    /// When something is to be written next.
    var due: ContinuousClock.Instant? { queue.first?.due }

    /// Whether the reply was truncated and the connection is to be cut now.
    var demandsCut: Bool { quota == 0 && afterwards == .cut && queue.isEmpty }

    /// Reads what there is; false if the connection is broken.
    ///
    /// `truncate` is asked if there is anything.
    func read(_ settings: ProxySettings, truncate: () -> ProxySettings.Truncation?) -> Bool {
        guard wantsInput else { return true }
        let count = recv(source, &buffer, buffer.count, 0)
        guard count > 0 else {
            sourceEnded = count == 0
            return count == 0 || errno == EAGAIN || errno == EINTR
        }
        if let truncation = truncate() {
            quota = truncation.bytes ?? count / 2
            afterwards = truncation.then
        }
        let passing = min(quota ?? count, count)
        quota = quota.map { $0 - passing }
        withheld += buffer[passing..<count]
        enqueue(buffer[..<passing], settings)
        return true
    }

    private func enqueue(_ bytes: ArraySlice<UInt8>, _ settings: ProxySettings) {
        guard !bytes.isEmpty else { return }
        var due = ContinuousClock.now + settings.latency
        guard let pause = settings.dribble else {
            queue.append((due, Array(bytes)))
            return
        }
        if let last = queue.last {
            due = max(due, last.due + pause)
        }
        for byte in bytes {
            queue.append((due, [byte]))
            due += pause
        }
    }

    /// Lets pass what was withheld, and all that follows.
    func release(_ settings: ProxySettings) {
        quota = nil
        enqueue(withheld[...], settings)
        withheld = []
    }

    /// Writes what is due; false if the connection is broken.
    func write() -> Bool {
        while let (due, bytes) = queue.first, due <= ContinuousClock.now {
            let count = send(sink, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            if count < 0 {
                return errno == EAGAIN || errno == EINTR
            }
            if count == bytes.count {
                queue.removeFirst()
            } else {
                queue[0].bytes.removeFirst(count)
            }
        }
        if sourceEnded, queue.isEmpty, withheld.isEmpty, !isOver {
            shutdown(sink, Int32(SHUT_WR))
            isOver = true
        }
        return true
    }
}
