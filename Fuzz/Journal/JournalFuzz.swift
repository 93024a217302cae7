import Crypto
import Greylist
import Storage

@testable import LMDBStore

/// The journal of an LMDB store: the first byte says whether the others are such a file, frames of it, or what is written.
///
/// What is written is read back. Of a file that is damaged or cut off, what is read was written, and what came before is all there;
/// bytes that are no frame are none, whoever wrote them.
@Sendable func checkJournal(_ input: [UInt8]) throws(BrokenPromise) {
    guard input.count > 4 else { return }
    let bytes = Array(input.dropFirst(4))
    switch input[0] % 3 {
    case 0: _ = bytes.withUnsafeBytes { JournalContents($0)?.all.count }
    case 1: try checkBodies(bytes)
    default: try checkWriting(bytes, at: Int(input[1]) << 8 | Int(input[2]), change: input[3])
    }
}

private let header = JournalHeader(database: 7, generation: 3, salt: 11)

/// Frames with a tag that is right, of what may stand in none: their length, and so many bytes.
private func checkBodies(_ bytes: [UInt8]) throws(BrokenPromise) {
    var (file, number, rest) = (header.bytes, 0 as UInt64, bytes[...])
    while let length = rest.popFirst() {
        var frame = withUnsafeBytes(of: number.littleEndian) { Array($0) }
        frame += withUnsafeBytes(of: UInt32(length).littleEndian) { Array($0) }
        frame += rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        var authenticator = header.authenticator
        authenticator.update(data: frame)
        file += authenticator.finalize().withUnsafeBytes { Array($0.prefix(16)) } + frame
        number += 1
    }
    let contents = file.withUnsafeBytes { JournalContents($0) }
    try expect(contents?.header.generation == 3, "the header isn't read")
}

/// Changes with the keys that lines are, in frames of so many as the length of the last one says.
private func checkWriting(_ bytes: [UInt8], at place: Int, change: UInt8) throws(BrokenPromise) {
    var (file, frame, number) = (header.bytes, JournalFrame(), 0 as UInt64)
    // What there is at the end of each frame.
    var (expected, ends) = (WriteBuffer(), [(end: file.count, count: 0)])
    var written: [WriteBuffer.Slot: [[UInt8]]] = [:]
    for line in lines(of: bytes) where (1...511).contains(line.count) {
        let table = Table.allCases[Int(line[0]) % Table.allCases.count]
        let slot = WriteBuffer.Slot(table: table, key: line.withUnsafeBytes { Key(bytes: $0) })
        let first = Timestamp(seconds: Int64(line[0]) << 23)
        let last = Timestamp(seconds: first.seconds + Int64(line.count))
        let record = Record(Sighting(passes: UInt32(line.count % 3), first: first, last: last), network: 5)
        frame.append(slot, record)
        expected[slot] = record
        written[slot, default: []].append(record.bytes)
        guard line.count.isMultiple(of: 2) else { continue }
        frame.seal(number: number, for: header)
        file += frame.bytes
        frame.removeAll()
        number += 1
        ends.append((file.count, expected.count))
    }
    if !frame.isEmpty { file += frame.bytes.dropLast(1) }

    guard let whole = file.withUnsafeBytes({ JournalContents($0) }) else {
        throw BrokenPromise(description: "the header isn't read back")
    }
    try expect(whole.all.count == ends.last?.count, "\(whole.all.count) entries of \(ends)")
    try expect(whole.dropped == 0 && whole.rest.isEmpty, "\(whole.dropped) bytes of a whole file are dropped")
    let cut = file.prefix(place % (file.count + 1))
    let beginning = Array(cut).withUnsafeBytes { JournalContents($0) }
    let before = ends.last { $0.end <= cut.count }
    try expect(beginning?.all.count == before?.count, "cut at \(cut.count): \(beginning?.all.count as Any) of \(ends)")

    file[place % file.count] ^= change
    guard let damaged = file.withUnsafeBytes({ JournalContents($0) }) else {
        return try expect(place % file.count < JournalHeader.size, "damaged behind it, the header isn't read")
    }
    for (slot, records) in written {
        guard let record = damaged.all[slot] else { continue }
        try expect(records.contains(record.bytes), "what is read was never written")
    }
    try expect(damaged.all.count <= written.count, "more is read than was written")
    let untouched = ends.last { $0.end <= place % file.count }
    try expect(damaged.all.count >= untouched?.count ?? 0, "what stands before the damage isn't read")
}

extension Record {
    fileprivate var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.size)
        bytes.withUnsafeMutableBytes { write(to: $0) }
        return bytes
    }
}
