import Foundation
import WaitSimulation

/// How long good mail waits, and what bots get, beside postgrey's key on the same trace.
@main
enum WaitBenchmark {
    private static let usage = """
        usage: wait [--json] [--seed NUMBER] [--mails NUMBER]
          --json          the same for programs, with a row for each kind and schedule
          --seed NUMBER   another trace (default: 1)
          --mails NUMBER  how many mails of each kind, in tens (default: 200)
          --posts NUMBER  to how many addresses a stolen account writes (default: 100000)
        Exit status 1 where a mail waits longer than its keys allow, or a bot's passes.
        """

    private struct Arguments {
        var printsJSON = false
        var seed: UInt64 = 1
        var mails = 200
        var posts = 100_000

        /// The arguments; nil where they make no sense.
        init?(_ words: some Sequence<String>) {
            var words = words.makeIterator()
            while let word = words.next() {
                switch word {
                case "--json": printsJSON = true
                case "--seed":
                    guard let seed = words.next().flatMap({ UInt64($0) }) else { return nil }
                    self.seed = seed
                case "--mails":
                    guard let mails = words.next().flatMap({ Int($0) }), mails > 0 else { return nil }
                    self.mails = mails
                case "--posts":
                    guard let posts = words.next().flatMap({ Int($0) }), posts > 0 else { return nil }
                    self.posts = posts
                default: return nil
                }
            }
        }
    }

    static func main() async throws {
        guard !CommandLine.arguments.contains("-h") else { return print(usage) }
        guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
            FileHandle.standardError.write(Data((usage + "\n").utf8))
            exit(64)
        }
        let schedules = RetrySchedule.all.count
        let simulation = WaitSimulation(
            seed: arguments.seed, mailsPerSchedule: (arguments.mails - 1) / schedules + 1)
        if !arguments.printsJSON { print("seed \(simulation.seed)\n") }
        let report = try await simulation.run()
        let month = try await lane(arguments, dnsFailures: 0)
        let failing = try await lane(arguments, dnsFailures: 5)
        if arguments.printsJSON {
            try WaitJSON(report, month: month, withFailingDNS: failing).write()
        } else {
            WaitTables(report).write()
            print()
            LaneTables(month).write()
            LaneTables(failing).writeFailures()
        }
        let faults = report.faults + month.faults + failing.faults
        guard !faults.isEmpty else { return }
        let shown = faults.prefix(20).map { "wait: \($0)\n" }.joined()
        let more = faults.count > 20 ? "wait: \(faults.count - 20) more\n" : ""
        FileHandle.standardError.write(Data((shown + more + "wait: seed \(report.seed)\n").utf8))
        exit(1)
    }

    private static func lane(_ arguments: Arguments, dnsFailures: Int) async throws -> LaneReport {
        try await LaneSimulation(
            seed: arguments.seed, mails: arguments.mails, stolenPosts: arguments.posts, dnsFailures: dnsFailures
        ).run()
    }
}
