import Greylist
import NIOCore
import NIOEmbedded
import TestSupport

/// The time of a simulated world, its chance, and what is to happen: all of it on one loop, whose clock is moved.
///
/// Nothing else tells the time or draws lots, so that a seed always makes the same world.
final class World: @unchecked Sendable {  // guarded by: the one thread that makes it and runs it
    /// When it begins, in milliseconds since 1970.
    static let start: Int64 = 1_900_000_000_000

    let loop = EmbeddedEventLoop()
    let trace: Trace
    var random: SeededRandom
    /// How many events there were.
    private(set) var steps = 0
    /// The first promise that was broken; nothing happens after it.
    private(set) var violation: Violation?
    private var isOver = false
    private let executor: LoopExecutor

    init(seed: UInt64, isTraced: Bool) {
        random = SeededRandom(seed: seed)
        trace = Trace(isKept: isTraced)
        executor = LoopExecutor(loop: loop)
    }

    /// Milliseconds since its beginning.
    var now: Int64 { Int64(loop.now.uptimeNanoseconds / 1_000_000) }

    /// The moment by the clock of the loop.
    ///
    /// What doesn't import NIOEmbedded, and asks the loop, is told the time of the system.
    var moment: NIODeadline { loop.now }

    /// Likewise in microseconds.
    var microseconds: Int64 { Int64(loop.now.uptimeNanoseconds / 1_000) }

    // MARK: What happens

    /// Has something happen after so many microseconds.
    ///
    /// - Parameter isEvent: whether it counts as an event of the world
    func after(microseconds time: Int64, isEvent: Bool = true, _ event: @escaping () -> Void) {
        loop.scheduleTask(in: .microseconds(max(0, time))) { [self] in
            guard violation == nil, !isOver else { return }
            if isEvent { steps += 1 }
            event()
        }
    }

    /// Has something happen after so many milliseconds.
    func after(_ time: Int64, _ event: @escaping () -> Void) { after(microseconds: time * 1_000, event) }

    /// Does something after so many milliseconds that isn't an event of the world.
    func quietly(after time: Int64, _ body: @escaping () -> Void) {
        after(microseconds: time * 1_000, isEvent: false, body)
    }

    /// Has something done at this moment, after all that is under way; it isn't an event of the world.
    func soon(_ body: @escaping () -> Void) {
        loop.execute { [self] in if violation == nil, !isOver { body() } }
    }

    /// Runs a task on this loop, and everything that it calls.
    @discardableResult
    func run(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: executor, operation: body)
    }

    /// The executor of tasks on this loop.
    var tasks: any TaskExecutor { executor }

    /// Lets time pass until that holds, or a promise is broken.
    func run(until isOver: () -> Bool) {
        while violation == nil, !isOver() { loop.advanceTime(by: .seconds(5)) }
    }

    /// Lets those come to their end who still wait for something.
    func settle() {
        if violation == nil { loop.advanceTime(by: .seconds(30)) }
    }

    /// Lets go of everything that was still to happen.
    func end() {
        isOver = true
        try? loop.syncShutdownGracefully()
    }

    // MARK: What is promised

    /// A promise is broken.
    func fail(_ text: String, about tags: [Trace.Tag] = []) {
        guard violation == nil else { return }
        violation = Violation(text: text, step: steps, time: now, tags: tags)
        trace.note(now, tags, text)
    }

    /// Notes something for who looks at the world later.
    func note(_ tags: [Trace.Tag], _ text: @autoclosure () -> String) { trace.note(now, tags, text()) }

    // MARK: Chance

    /// Whether something happens that happens so many times in a thousand.
    func happens(_ perMille: Int) -> Bool { Int.random(in: 0..<1_000, using: &random) < perMille }

    func draw(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

    func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// One of several; there must be one.
    func pick<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: elements.indices, using: &random)] }
}

/// A promise that was broken.
struct Violation: Sendable {
    let text: String
    let step: Int
    /// In milliseconds since the beginning of the world.
    let time: Int64
    /// What it is about.
    let tags: [Trace.Tag]
}

/// Runs tasks on a loop of a world, one job after the other.
private final class LoopExecutor: TaskExecutor, @unchecked Sendable {  // guarded by: the thread of its world
    private let loop: EmbeddedEventLoop

    init(loop: EmbeddedEventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// What has happened, in words; only where somebody wants to read it.
final class Trace: @unchecked Sendable {  // guarded by: the thread of its world
    /// What a line is about.
    enum Tag: Hashable, Sendable {
        /// All that follows: a fault, or its end.
        case everything
        case sender(Int)
        case mail(Int)
        case recipient(Int)
        /// The first bytes of a key of the store.
        case key(UInt64)
    }

    private let isKept: Bool
    private var lines: [(time: Int64, tags: [Tag], text: String)] = []

    init(isKept: Bool) { self.isKept = isKept }

    func note(_ time: Int64, _ tags: [Tag], _ text: @autoclosure () -> String) {
        if isKept { lines.append((time, tags, text())) }
    }

    /// The last lines that are about the same as the violation, and the faults between them.
    func story(of violation: Violation, limit: Int) -> [String] {
        let tags = Set(violation.tags)
        let told = lines.filter { line in
            tags.isEmpty || line.tags.contains { $0 == .everything || tags.contains($0) }
        }
        return told.suffix(limit).map { "\(Self.clock($0.time))  \($0.text)" }
    }

    /// A time of the world: `1d 02:03:04.005`.
    static func clock(_ time: Int64) -> String {
        func digits(_ number: Int64, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let seconds = time / 1_000
        let hour = "\(digits(seconds / 3_600 % 24, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2))"
        return "\(seconds / 86_400)d \(hour).\(digits(time % 1_000, 3))"
    }
}
