import Foundation

/// What the steps of a request cost, one by one: time and allocations.
@main
enum MicroBenchmark {
    private static let usage = """
        usage: micro-benchmark [--json | --check FILE | --write FILE]
          (none)        a table of times and allocations
          --json        the same for programs
          --check FILE  compares the allocations with those in FILE; exit status 1 where one has moved
          --write FILE  writes the allocations of this build to FILE
        """

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let operations =
            RequestOperations.all() + WhitelistOperations.all() + StoreOperations.all() + RedisOperations.all()
        switch (arguments.first, arguments.count) {
        case (nil, _): table(operations)
        case ("--json", 1): try json(operations)
        case ("--check", 2): try check(operations, arguments[1])
        case ("--write", 2):
            var list = try AllocationList(file: arguments[1])
            list.update(with: operations)
            try list.write(to: arguments[1])
        default:
            FileHandle.standardError.write(Data((usage + "\n").utf8))
            exit(64)
        }
    }

    private static func table(_ operations: [Operation]) {
        print("| operation | ns | allocations |\n| --- | ---: | ---: |")
        for operation in operations {
            let figures = operation.measure()
            let nanoseconds = String(format: figures.nanoseconds < 10 ? "%.1f" : "%.0f", figures.nanoseconds)
            print("| \(operation.name) | \(nanoseconds) | \(AllocationList.text(figures.allocations)) |")
            fflush(nil)
        }
    }

    private static func json(_ operations: [Operation]) throws {
        struct Line: Encodable {
            var operation: String
            var nanoseconds: Double
            var allocations: Double
        }
        let lines = operations.map { operation in
            let figures = operation.measure()
            return Line(
                operation: operation.name, nanoseconds: figures.nanoseconds, allocations: figures.allocations)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(lines), as: UTF8.self))
    }

    private static func check(_ operations: [Operation], _ file: String) throws {
        let expected = try AllocationList(file: file)
        var list = expected
        list.update(with: operations)
        let differences = list.differences(to: expected)
        for difference in differences { print("allocations: \(difference)") }
        if !differences.isEmpty {
            print("allocations: if that is meant, run Benchmarks/micro --write and commit the file")
            exit(1)
        }
        print("allocations: \(operations.count) operations as in \(file)")
    }
}
