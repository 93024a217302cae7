import Greylist
import Storage
import Testing

@testable import LMDBStore

/// What was written and isn't in the tree yet.
struct MemtableTests {
    private static func key(_ number: Int) -> Key { Key(Array("key \(number)".utf8).span, isHashed: true) }

    private static func record(_ passes: UInt32) -> Record {
        let time = Timestamp(seconds: 1_800_000_000)
        return Record(Sighting(passes: passes, first: time, last: time), network: 0)
    }

    private static func passes(_ buffer: WriteBuffer) -> [Key: UInt32] {
        Dictionary(uniqueKeysWithValues: buffer.sorted().map { ($0.slot.key, $0.record.sighting.passes) })
    }

    @Test func aBatchThatIsKeptStays() {
        var memtable = Memtable()
        memtable.write(Self.record(1), Self.key(1), in: .greylist)
        #expect(memtable.hasBatch)
        memtable.keepBatch()
        #expect(!memtable.hasBatch)
        #expect(Self.passes(memtable.takeBatch()).isEmpty)
        #expect(Self.passes(memtable.all) == [Self.key(1): 1])
    }

    /// Of entries written more than once the last state is the batch's, and what was there before comes back.
    @Test func aBatchThatIsTakenBackLeavesWhatWasThere() {
        var memtable = Memtable()
        memtable.write(Self.record(1), Self.key(1), in: .greylist)
        memtable.keepBatch()
        memtable.freeze()
        memtable.write(Self.record(5), Self.key(2), in: .greylist)
        memtable.keepBatch()
        for passes: UInt32 in 6...9 {
            memtable.write(Self.record(passes), Self.key(1), in: .greylist)
            memtable.write(Self.record(passes), Self.key(2), in: .greylist)
        }
        memtable.write(Self.record(7), Self.key(3), in: .greylist)
        #expect(Self.passes(memtable.takeBatch()) == [Self.key(1): 9, Self.key(2): 9, Self.key(3): 7])
        #expect(!memtable.hasBatch && memtable.frame.isEmpty)
        #expect(Self.passes(memtable.all) == [Self.key(1): 1, Self.key(2): 5])
    }

    @Test func theTablesAreTwo() {
        var memtable = Memtable()
        memtable.write(Self.record(1), Self.key(1), in: .greylist)
        memtable.write(Self.record(2), Self.key(1), in: .autoWhitelist)
        #expect(memtable.takeBatch().count == 2)
        #expect(memtable.isEmpty)
    }

    /// As LMDB has it, whatever the keys are: digests, texts, texts that begin alike.
    @Test func entriesAreInTheOrderOfTheTree() {
        var buffer = WriteBuffer()
        var keys = (0..<200).map(Self.key)
        keys += ["a", "ab", "abcdefgh", "abcdefghi", "abcdefgh0", "b", ""].map { Key.text(Array($0.utf8)) }
        for key in keys { buffer[WriteBuffer.Slot(table: .greylist, key: key)] = Self.record(1) }
        let sorted = buffer.sorted().map { $0.slot.key.bytes }
        #expect(sorted == keys.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) })
    }
}
