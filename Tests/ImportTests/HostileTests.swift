import Greylist
import TestSupport
import Testing

@testable import Import

/// Whatever is handed in: nothing crashes, every line is accounted for, and how a text is cut into pieces doesn't matter.
struct HostileTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let format: ImportFormat
        let name: String
        let text: String
        var testDescription: String { "\(format) \(name)" }
    }

    static let samples: [Sample] =
        TableTests.cases.map { Sample(format: .database($0.kind), name: $0.name, text: $0.text) }
        + ForeignListTests.lists.map { Sample(format: .whitelist($0.kind), name: "list", text: $0.text) }
        + PostgreyLogTests.lines.map { Sample(format: .database(.postgreyLog), name: "log", text: $0.line + "\n") }
        + [
            Sample(
                format: .database(.postgrey), name: "print",
                text:
                    "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n 192.0.2.0/j\\c3\\b6@x/u\\\\@y\n 1795000000,1795000400\n"
                    + " 192.0.2.7\n 3,1795000000\nDATA=END\n"),
            Sample(
                format: .database(.postgrey), name: "bytes",
                text: "VERSION=3\nHEADER=END\n 3139322e302e322e37\n 332c31373935303030303030\nDATA=END\n"),
            Sample(
                format: .database(.greylistd), name: "states",
                text: "[white]\n1 = 1795000000 1795000000 3\n[grey]\n-2 = 1795000000 1795000000 3\n[black]\n3 = 1 1 1\n"
            ),
            Sample(
                format: .database(.greylistd), name: "triplets", text: "1 = 192.0.2.7 a@x u@y\n-2 = 192.0.2.7 u@y\n"),
            Sample(
                format: .database(.milterGreylist), name: "dump",
                text: "# x\n192.0.2.7\t<a@x>\t<u@y>\t1795000000 AUTO # d\n192.0.2.7\t<a@x>\t<u@y>\t1795000000 # d\n"),
            Sample(
                format: .database(.spamdb), name: "text",
                text: "WHITE|192.0.2.7|||1795000000|1795000000|1799000000|2|5\n"
                    + "GREY|192.0.2.8|mx|<a@x>|<u@y>|1795000000|1795000000|1795000000|1|0\nSPAMTRAP|a@x\n"),
        ]

    private static func check(_ reading: Reading, _ bytes: [UInt8], _ sample: Sample) {
        // What is told at once ends the reading within a line.
        guard reading.error == nil || reading.error?.code == .incomplete else { return }
        var lines = bytes.count { $0 == UInt8(ascii: "\n") }
        if let last = bytes.last, last != UInt8(ascii: "\n") { lines += 1 }
        #expect(reading.counts.lines == lines, "\(sample): \(bytes)")
        #expect(reading.isAccounted, "\(sample): \(reading.counts) \(bytes)")
        #expect(reading.counts.entries == reading.entries.count)
    }

    @Test(arguments: samples)
    func everyTruncation(_ sample: Sample) {
        let bytes = Array(sample.text.utf8)
        for count in 0...bytes.count {
            let part = Array(bytes[..<count])
            Self.check(Reading(sample.format, [(sample.name, part)]), part, sample)
        }
    }

    @Test(arguments: samples)
    func everyPieceSize(_ sample: Sample) {
        let bytes = Array(sample.text.utf8)
        let whole = Reading(sample.format, [(sample.name, bytes)])
        for piece in [1, 2, 3, 7, 15, 16, 17, 64] {
            let reading = Reading(sample.format, [(sample.name, bytes)], piece: piece)
            #expect(reading.entries == whole.entries && reading.counts == whole.counts && reading.error == whole.error)
        }
    }

    @Test(arguments: samples)
    func mutations(_ sample: Sample) {
        let original = Array(sample.text.utf8)
        var random = SeededRandom(seed: UInt64(original.count))
        let bytes: [UInt8] = [
            0, 9, 10, 13, 0x20, 0x22, 0x23, 0x2c, 0x2f, 0x3d, 0x40, 0x5b, 0x5c, 0x7c, 0x7f, 0xff, 0x39,
        ]
        for _ in 0..<400 {
            var changed = original
            for _ in 0..<Int.random(in: 1...4, using: &random) where !changed.isEmpty {
                let place = Int.random(in: 0..<changed.count, using: &random)
                let byte = bytes.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[place] = byte
                case 1: changed.insert(byte, at: place)
                default: changed.remove(at: place)
                }
            }
            Self.check(Reading(sample.format, [(sample.name, changed)]), changed, sample)
        }
    }

    /// Each format reads what all others write, and noise.
    @Test func anyFormatReadsAnything() {
        let formats =
            ImportKind.allCases.map { ImportFormat.database($0) }
            + ForeignListKind.allCases.map { ImportFormat.whitelist($0) }
        var random = SeededRandom(seed: 7)
        let noise = (0..<20).map { _ in (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &random) } }
        let texts = Self.samples.map { Array($0.text.utf8) } + noise
        for format in formats {
            let sample = Sample(format: format, name: "other", text: "")
            for text in texts { Self.check(Reading(format, [("other", text)]), text, sample) }
        }
    }

    /// A file without a line feed is never kept.
    @Test func anEndlessLineTakesNoMemory() throws {
        var splitter = LineSplitter()
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 16)
        var lines = 0
        for _ in 0..<64 { splitter.feed(piece.span) { _ in lines += 1 } }
        #expect(lines == 0)
        var isTooLong = false
        splitter.feed(Array("\nb\n".utf8).span) { line in
            lines += 1
            if line == nil { isTooLong = true }
        }
        #expect(lines == 2 && isTooLong)
        var counts: [Int?] = []
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: LineSplitter.longest)
        for text in [long + [10], long + [97, 10]] { splitter.feed(text.span) { counts.append($0?.count) } }
        #expect(counts == [LineSplitter.longest, nil])
    }

    /// Something of which nothing can be read is not read to its end.
    @Test func somethingElseIsGivenUp() {
        let text = String(repeating: "nothing that could be read\n", count: 20_000)
        let reading = Reading(.spamdb, text)
        #expect(reading.error?.code == .otherFormat)
        #expect(reading.counts.lines == 10_000)
        #expect(reading.counts.told.count == ImportCounts.mostTold)
    }
}
