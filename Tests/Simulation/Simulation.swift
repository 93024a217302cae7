import Domains
import Engine
import Greylist
import TestSupport

/// A world made from a number: daemons, their store, the DNS, senders, and what goes wrong, in a time that is moved.
public struct Simulation: Sendable {
    /// What its chance begins with.
    public let seed: UInt64
    /// How many events it has, at least.
    public let steps: Int
    /// How many lines a story has, at most.
    public var lines = 60

    /// What came of a simulation.
    public struct Report: Sendable {
        /// What was settled for it.
        public let conditions: String
        /// The promise that was broken, in a sentence; nil where none was.
        public internal(set) var violation: String?
        /// What happened before that, as far as it matters; empty unless it was asked for.
        public internal(set) var story: [String] = []
        /// How many events there were.
        public internal(set) var steps = 0
        /// How many requests were answered.
        public internal(set) var requests = 0
        /// How many milliseconds passed.
        public internal(set) var time: Int64 = 0
        /// How often which reason was given, most first.
        public internal(set) var reasons: [(reason: String, count: Int)] = []
        /// How often what went wrong.
        public internal(set) var faults: [(fault: String, count: Int)] = []

        fileprivate init(_ conditions: String) { self.conditions = conditions }
    }

    /// A simulation of a seed.
    public init(seed: UInt64, steps: Int) { (self.seed, self.steps) = (seed, steps) }

    /// What lies under its daemons.
    public var ground: GroundKind { GroundKind.allCases[Int(seed % UInt64(GroundKind.allCases.count))] }

    /// Lets the world run; where a promise is broken, once more to tell of it.
    ///
    /// - Throws: what keeps the world from being made
    public func run() throws -> Report {
        let report = try run(isTraced: false)
        return report.violation == nil ? report : try run(isTraced: true)
    }

    private func run(isTraced: Bool) throws -> Report {
        let world = World(seed: seed, isTraced: isTraced)
        let site = try Site(in: world, on: ground)
        defer { site.end() }
        site.start()
        world.run { world.steps >= steps }
        site.heal()
        world.run { site.isQuiet }
        var report = Report(site.conditions.summary)
        (report.steps, report.requests, report.time) = (world.steps, site.answered, world.now)
        report.reasons = site.reasons
        report.faults = site.faultCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        if let violation = world.violation {
            report.violation = "\(Trace.clock(violation.time)) (step \(violation.step)): \(violation.text)"
            report.story = world.trace.story(of: violation, limit: lines)
        }
        return report
    }
}
