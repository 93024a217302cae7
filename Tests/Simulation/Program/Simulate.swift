import Foundation
import Simulation

/// Runs simulated worlds, and tells of the first in which a promise is broken.
@main
enum Simulate {
    private static let usage = """
        usage: simulate [--steps NUMBER] [--from SEED] [--every NUMBER] [--lines NUMBER] SEED
               simulate [--steps NUMBER] [--lines NUMBER] --seed SEED
          SEED             all seeds up to this one
          --from SEED      the first of them (default: 1)
          --every NUMBER   every so many of them only
          --seed SEED      this one, with what came of it
          --steps NUMBER   how many events a world has (default: 100000)
          --lines NUMBER   how many lines are told of what led to a broken promise (default: 60)
        Exit status 1 where a promise is broken.
        """

    private struct Arguments {
        var steps = 100_000
        var first: UInt64 = 1
        var every: UInt64 = 1
        var last: UInt64 = 0
        var seed: UInt64?
        var lines = 60

        /// The arguments; nil where they make no sense.
        init?(_ words: some Sequence<String>) {
            var words = words.makeIterator()
            while let word = words.next() {
                switch word {
                case "--steps":
                    guard let steps = words.next().flatMap({ Int($0) }), steps > 0 else { return nil }
                    self.steps = steps
                case "--from":
                    guard let first = words.next().flatMap({ UInt64($0) }) else { return nil }
                    self.first = first
                case "--every":
                    guard let every = words.next().flatMap({ UInt64($0) }), every > 0 else { return nil }
                    self.every = every
                case "--lines":
                    guard let lines = words.next().flatMap({ Int($0) }), lines > 0 else { return nil }
                    self.lines = lines
                case "--seed":
                    guard let seed = words.next().flatMap({ UInt64($0) }) else { return nil }
                    self.seed = seed
                default:
                    guard let last = UInt64(word) else { return nil }
                    self.last = last
                }
            }
            guard last > 0 || seed != nil else { return nil }
        }
    }

    static func main() throws {
        guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
            FileHandle.standardError.write(Data((usage + "\n").utf8))
            exit(64)
        }
        if let seed = arguments.seed {
            let report = try simulation(of: seed, arguments).run()
            tell(report, of: seed)
            exit(report.violation == nil ? 0 : 1)
        }
        var (seeds, steps, requests, time) = (0, 0, 0, 0 as Int64)
        for seed in stride(from: arguments.first, through: arguments.last, by: Int(arguments.every)) {
            // Should the process come to its end in the middle.
            FileHandle.standardOutput.write(Data("seed \(seed)\n".utf8))
            let report = try simulation(of: seed, arguments).run()
            (seeds, steps, requests, time) = (
                seeds + 1, steps + report.steps, requests + report.requests, time + report.time
            )
            guard report.violation == nil else {
                tell(report, of: seed)
                exit(1)
            }
        }
        print(
            "\(seeds) seeds: \(steps) events, \(requests) requests, \(time / 86_400_000) days; no promise was broken")
    }

    private static func simulation(of seed: UInt64, _ arguments: Arguments) -> Simulation {
        var simulation = Simulation(seed: seed, steps: arguments.steps)
        simulation.lines = arguments.lines
        return simulation
    }

    private static func tell(_ report: Simulation.Report, of seed: UInt64) {
        print("seed \(seed): \(report.conditions)")
        print("\(report.steps) events, \(report.requests) requests, \(report.time / 3_600_000) hours")
        print("answers: " + report.reasons.map { "\($0.reason) \($0.count)" }.joined(separator: ", "))
        print("faults: " + report.faults.map { "\($0.fault) \($0.count)" }.joined(separator: ", "))
        guard let violation = report.violation else { return print("no promise was broken") }
        for line in report.story { print(line) }
        print("BROKEN: \(violation)")
        print("again: make simulate SEED=\(seed)")
    }
}
