import Foundation

/// The file `allocations.txt`: how often each operation asks for memory, in a release build and in a debug build.
///
/// A line is the two numbers and the name of an operation; lines that begin with `#` are comments. What is measured is
/// the column of the build that measures.
struct AllocationList {
    private struct Line {
        var name: String
        var counts: [String]
    }

    /// The column of this build.
    private static var column: Int {
        #if DEBUG
            1
        #else
            0
        #endif
    }

    private var lines: [Line] = []

    /// Reads the file; an empty list where there is none.
    init(file: String) throws {
        guard FileManager.default.fileExists(atPath: file) else { return }
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#")
        {
            let parts = line.split(separator: " ", maxSplits: 2)
            guard parts.count == 3 else { continue }
            let name = parts[2].drop(while: { $0 == " " })
            lines.append(Line(name: String(name), counts: parts[..<2].map(String.init)))
        }
    }

    /// Measures, and replaces the column of this build.
    mutating func update(with operations: [Operation]) {
        lines = operations.map { operation in
            var counts = lines.first { $0.name == operation.name }?.counts ?? ["?", "?"]
            counts[Self.column] = Self.text(operation.allocations())
            return Line(name: operation.name, counts: counts)
        }
    }

    /// Writes the file.
    func write(to file: String) throws {
        let head = """
            # How often each operation asks for memory, once warm. `make test` compares the debug build exactly, and
            # `make bench-check` the release build; `Benchmarks/micro --write` writes both anew.
            # release   debug  operation

            """
        let rows = lines.map { "\(Self.padded($0.counts[0], 9)) \(Self.padded($0.counts[1], 7))  \($0.name)\n" }
        try (head + rows.joined()).write(toFile: file, atomically: true, encoding: .utf8)
    }

    /// A sentence for each count of this build that differs from another list's, and for each operation that only one has.
    func differences(to expected: AllocationList) -> [String] {
        let moved = lines.compactMap { line -> String? in
            let made = line.counts[Self.column]
            guard let count = expected.lines.first(where: { $0.name == line.name })?.counts[Self.column] else {
                return "\(line.name): \(made), and the file has no such line"
            }
            return count == made ? nil : "\(line.name): \(made) made, \(count) expected"
        }
        let names = Set(lines.map(\.name))
        return moved + expected.lines.filter { !names.contains($0.name) }.map { "\($0.name): no such operation" }
    }

    /// A whole number where it is one, so that what is made now and then can be told from what is made each time.
    static func text(_ count: Double) -> String {
        count == count.rounded() ? String(Int(count)) : String(format: "%.3f", count)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
