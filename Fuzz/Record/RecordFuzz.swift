import Greylist
import Storage

@testable import GDBMStore
@testable import LMDBStore

/// Records, keys and entries as stores and their copies have them.
///
/// Whatever is read is written as it was, or read back the same; two sightings together are the same in either order, and the same
/// once more; a time that is stored can be shown.
@Sendable func checkRecord(_ input: [UInt8]) throws(BrokenPromise) {
    var sightings: [Sighting] = []
    if let sighting = LegacyRecord.sighting(input.span) {
        var text: [UInt8] = []
        LegacyRecord.append(sighting, to: &text)
        try expect(LegacyRecord.sighting(text.span) == sighting, "\(input) is read back otherwise")
        sightings.append(sighting)
    }
    if let entry = Entry(line: String(decoding: input, as: UTF8.self)) {
        try expect(Entry(line: entry.line) == entry, "\(entry.line) is read back otherwise")
        sightings.append(entry.sighting)
    }
    for start in stride(from: 0, to: input.count - Record.size + 1, by: Record.size) {
        let bytes = Array(input[start..<start + Record.size])
        guard let record = bytes.withUnsafeBytes({ Record($0) }) else { continue }
        var written = [UInt8](repeating: 0, count: Record.size)
        written.withUnsafeMutableBytes { record.write(to: $0) }
        try expect(written == bytes, "\(bytes) is written as \(written)")
        let again = Record(record.sighting, network: record.network)
        try expect(
            again.sighting == record.sighting && again.network == record.network, "\(record.sighting) is another one")
        sightings.append(record.sighting)
    }
    for sighting in sightings { try check(sighting) }
    for (one, other) in zip(sightings, sightings.dropFirst()) {
        let merged = one.merged(with: other)
        try expect(merged == other.merged(with: one), "\(one) and \(other) in the other order")
        try expect(
            merged.merged(with: one) == merged && merged.merged(with: other) == merged, "\(one) is counted twice")
    }
    try checkKeys(input)
    // A file's header says how large its buckets are: no smaller.
    for bits in [3, 8] where input.count >= Bucket.smallest {
        guard let bucket = Bucket(input, directoryBits: bits) else { continue }
        try expect((0...bits).contains(bucket.bits), "a bucket of \(bucket.bits) bits")
        try expect(bucket.elements.count <= input.count / 24, "\(bucket.elements.count) elements")
    }
}

private func check(_ sighting: Sighting) throws(BrokenPromise) {
    try expect(sighting.merged(with: sighting) == sighting, "\(sighting) with itself")
    let now = Timestamp(seconds: 1_796_000_000)
    _ = sighting.first.civilDate
    var text: [UInt8] = []
    text.append(rfc3339: sighting.first)
    text.append(internetDate: sighting.last)
    try expect(text.count <= 2 * 50 && text.allSatisfy { (0x20...0x7e).contains($0) }, "not a time: \(text)")
    try expect(now.since(sighting.last) >= 0 && sighting.last.since(now) >= 0, "a time that passes backwards")
}

private func checkKeys(_ bytes: [UInt8]) throws(BrokenPromise) {
    let (stored, spelled) = bytes.withUnsafeBytes { (Key(bytes: $0), Key(spelling: $0)) }
    try expect(stored.bytes == bytes, "the key is kept otherwise")
    var spelling: [UInt8] = []
    spelled.spell { spelling.append($0) }
    try expect(spelling == bytes && spelled.spellingCount == bytes.count, "the key is spelled otherwise")
    if let organisation = stored.organisation {
        try expect(bytes.reversed().starts(with: organisation.reversed()), "another organisation")
        try expect(!organisation.isEmpty, "no organisation")
    }
}
