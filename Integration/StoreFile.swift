import Foundation
import Greylist
import SampleOptions
import Storage

@testable import LMDBStore

/// Entries for an LMDB file, made and read without a daemon.
enum StoreFile {
    /// Entries as new or as passed some hours ago; of `expired` of them so long ago that they count no more.
    static func entries(_ count: Int, expired: Int = 0, now: Timestamp = now()) -> [Entry] {
        (0..<count).map { number in
            let first = Timestamp(seconds: now.seconds - (number < expired ? 100_000_000 : 7_200))
            let last = Timestamp(seconds: first.seconds + (number.isMultiple(of: 2) ? 0 : 3_600))
            return Entry(
                key: Key(Array("192.0.2.0/24/s\(number)@sender.example/r@test.invalid".utf8).span, isHashed: true),
                sighting: Sighting(passes: UInt32(number % 2), first: first, last: last))
        }
    }

    /// Makes the file, or adds to it.
    static func write(_ entries: [Entry], into table: Table = .greylist, at path: String) async throws {
        let store = try LMDBStore(path: path, at: now(), report: { _ in })
        for start in stride(from: 0, to: entries.count, by: 20_000) {
            let slice = Array(entries[start..<min(start + 20_000, entries.count)])
            try await store.merge(slice, into: table, at: now(), under: Rules.sample())
        }
        await store.close()
    }

    /// What the file has.
    static func read(_ table: Table = .greylist, at path: String) async throws -> [Key: Sighting] {
        let reader = try LMDBReader(path: path)
        var found: [Key: Sighting] = [:]
        var cursor: Cursor?
        repeat {
            let slice = try await reader.scan(table, from: cursor, limit: 10_000)
            for entry in slice.entries { found[entry.key] = entry.sighting }
            cursor = slice.next
        } while cursor != nil
        await reader.close()
        return found
    }

    static func now() -> Timestamp {
        Timestamp(seconds: Int64(time(nil)))
    }
}

extension [Key: Sighting] {
    /// What Redis keeps of it: the first time of what has passed isn't among that.
    var asInRedis: [Key: Sighting] {
        mapValues { Sighting(passes: $0.passes, first: $0.last, last: $0.last) }
    }
}

/// A reader of a greylist with little room for what others add.
struct SmallReader {
    private let reader: LMDBReader

    init(path: String) throws {
        reader = try LMDBReader(path: path, spareMap: 1 << 16)
    }

    func count() async throws -> Int {
        try await reader.count(.greylist) ?? 0
    }

    func close() async {
        await reader.close()
    }
}
