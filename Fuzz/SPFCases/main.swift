import Glibc
import SPF
import SPFZones

/// Says what can't be read, and ends with EX_DATAERR of sysexits(3).
func fail(_ message: String) -> Never {
    let line = "spf-cases: \(message)\n"
    write(STDERR_FILENO, line, line.utf8.count)
    exit(EX_DATAERR)
}

// Reads cases from standard input, one a line, and prints the result of each, for `Fuzz/SPFCases/compare`.
//
// A case is client, sender and HELO name, then what is in the zone, as name, type and value; tabs separate all of them.
// What is printed are the result, and the problem or the terms that led to it.
while let line = readLine() {
    let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    guard fields.count >= 3, fields.count.isMultiple(of: 3), let client = SPFAddress(text: fields[0]) else {
        fail("not a case: \(line)")
    }
    var records: [String: [Zone.Record]] = [:]
    for index in stride(from: 3, to: fields.count, by: 3) {
        guard let record = Zone.Record(type: fields[index + 1], value: fields[index + 2]) else {
            fail("not a record: \(fields[index...].prefix(3))")
        }
        records[fields[index], default: []].append(record)
    }
    var evaluation = SPFEvaluation(
        client: client, sender: Array(fields[1].utf8), helo: Array(fields[2].utf8), limits: .rfc7208)
    let outcome = evaluation.run(in: Zone(records)).outcome
    let terms = outcome.path.map { String(decoding: $0.text, as: UTF8.self) }
    print("\(outcome.result.rawValue)\t\(outcome.problem?.cause.rawValue ?? terms.joined(separator: " > "))")
}
