import CAllocations

/// One step on a request's way, as it is measured: done again and again, each time with the same result.
struct Operation {
    /// What it is called, in the table and in `allocations.txt`.
    let name: String
    /// Does it once, and returns a number that rests on the result, so that the compiler can't leave it out.
    let run: () -> Int

    /// An operation of that name.
    init(_ name: String, run: @escaping () -> Int) {
        self.name = name
        self.run = run
    }

    /// How it did.
    struct Figures {
        /// The time of one run, in nanoseconds.
        var nanoseconds: Double
        /// How often one run asked for memory.
        var allocations: Double
    }

    private static let (warmUp, counted) = (1_000, 1_000)

    /// How often a run asks for memory, once everything that is kept has been made.
    func allocations() -> Double {
        repeated(Self.warmUp)
        let before = allocations_made()
        repeated(Self.counted)
        return Double(allocations_made() - before) / Double(Self.counted)
    }

    /// Allocations and time: that of the quickest of several batches, since the machine does other things.
    func measure(batches: Int = 50, batch: Duration = .milliseconds(4)) -> Figures {
        let allocations = allocations()
        let clock = ContinuousClock()
        let one = clock.measure { repeated(1_000) } / 1_000
        let count = max(1_000, Int(batch / max(one, .nanoseconds(1))))
        var best = Duration.seconds(1_000)
        for _ in 0..<batches { best = min(best, clock.measure { repeated(count) }) }
        return Figures(nanoseconds: best / .nanoseconds(1) / Double(count), allocations: allocations)
    }

    @inline(never)
    private func repeated(_ count: Int) {
        var sum = 0
        for _ in 0..<count { sum &+= run() }
        Self.keep(sum)
    }

    @inline(never)
    private static func keep(_ number: Int) {
        if number == .min { print(number) }
    }
}
