import Testing

@testable import Import

/// What is read of greylistd's two files.
struct GreylistdTests {
    private static let states = """
        [white]
        11 = \(before(10)) \(before(900)) 4
        -12 = \(before(20)) \(before(800)) 2

        [grey]
        13 = \(before(30)) \(before(700)) 1
        14 = \(before(30)) \(before(700)) 1
        [black]
        15 = \(before(30)) \(before(700)) 1
        [statistics]
        start = 1
        white = 2

        """

    private static let triplets = """
        11 = 192.0.2.7 a@x.org u@y.org
        -12 = 192.0.2.8 u@y.org
        13 = 2001:db8::1 <a@x.org> u@y.org
        16 = 192.0.2.9 a@x.org u@y.org

        """

    private static func read(_ texts: [String], options: ImportOptions = ImportOptions(now: now)) -> Reading {
        Reading(.database(.greylistd), texts.map { ("f", Array($0.utf8)) }, options: options)
    }

    @Test(arguments: [[states, triplets], [triplets, states]])
    func theyAreJoinedInEitherOrder(_ texts: [String]) {
        let reading = Self.read(texts)
        #expect(
            Set(reading.texts) == [
                "192.0.2.7/32 <a@x.org> u@y.org 900 10 passed", "192.0.2.8/32 <> u@y.org 800 20 passed",
                "2001:db8::1/128 <a@x.org> u@y.org 700 700 pending",
            ])
        #expect(reading.counts.leftOut == [.unpaired: 2, .noEquivalent: 1])
        #expect(reading.isAccounted && reading.error == nil)
    }

    @Test func aClientAloneCounts() {
        let reading = Self.read(["[white]\n5 = \(before(10)) \(before(900)) 4\n", "5 = 192.0.2.7\n"])
        #expect(reading.texts == ["192.0.2.7/32 4 900 10"])
    }

    @Test func memoryIsBounded() {
        let options = ImportOptions(now: now, mostJoined: 2)
        let reading = Self.read([Self.states, Self.triplets], options: options)
        #expect(reading.entries.count == 2)
        #expect(reading.counts.leftOut[.tooMany] ?? 0 > 0)
        #expect(reading.isAccounted)
    }

    @Test func oneFileAloneIsNotEnough() {
        #expect(Self.read([Self.triplets]).error?.code == .incomplete)
        #expect(Self.read(["[white]\n5 = 1 2 3\n"]).error?.description.contains("both are needed") == true)
    }

    static let faults: [(states: String, triplet: String, reason: LeftOutReason)] = [
        ("[white]\n1 = \(before(1)) x 3", "1 = 192.0.2.7 a@x u@y", .malformed),
        ("[white]\n1 = \(before(1)) \(before(1)) 3", "1 = elsewhere a@x u@y", .address),
        ("[white]\n1 = 5 5 3", "1 = 192.0.2.7 a@x u@y", .past),
        ("[white]\n1 = \(before(1)) \(before(1)) 3", "1 = 192.0.2.7 a@x u@y more", .malformed),
        ("[grey]\n1 = \(before(1)) \(before(1)) 3", "1 = 192.0.2.7", .noEquivalent),
        ("[white]\n99999999999999999999 = \(before(1)) \(before(1)) 3", "1 = 192.0.2.7 a@x u@y", .malformed),
    ]

    @Test(arguments: faults)
    func aBadLineIsLeftOut(_ states: String, _ triplet: String, _ reason: LeftOutReason) {
        let good = "7 = \(before(1)) \(before(1)) 3\n"
        let reading = Self.read([states + "\n[white]\n" + good, triplet + "\n7 = 192.0.2.7 a@x u@y\n"])
        #expect(reading.entries.count == 1)
        #expect(reading.counts.leftOut[reason] ?? 0 > 0)
        #expect(reading.isAccounted)
    }
}
