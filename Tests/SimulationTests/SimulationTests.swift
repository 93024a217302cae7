import Simulation
import Testing

/// Short worlds; `make simulate` runs long ones.
struct SimulationTests {
    @Test(arguments: 1...9 as ClosedRange<UInt64>)
    func noPromiseIsBroken(seed: UInt64) throws {
        let report = try Simulation(seed: seed, steps: 4_000).run()
        #expect(report.violation == nil, "\(report.conditions)\n\(report.story.joined(separator: "\n"))")
        #expect(report.requests > 100)
    }

    @Test func aSeedAlwaysMakesTheSameWorld() throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            let simulation = Simulation(seed: seed, steps: 3_000)
            let (first, second) = (try simulation.run(), try simulation.run())
            #expect(first.steps == second.steps && first.requests == second.requests && first.time == second.time)
            #expect(first.reasons.map(\.count) == second.reasons.map(\.count))
        }
    }
}
