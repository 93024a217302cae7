import CGDBM
import FileStorage
import Greylist
import Storage
import SystemPackage

/// Reads the entries of a GNU dbm file in the order of their hashes, a slice at a time, and without the library.
///
/// The library's own walk loses its way when entries are written or removed between two steps, and ends at the first
/// damage. This one comes to every entry that is there all the while exactly once, and goes round what can't be read.
struct EntryWalk {
    /// What a slice came to.
    struct Slice {
        var entries: [StoredEntry] = []
        /// Buckets and entries that couldn't be read.
        var damaged = 0
        /// Where to go on; nil at the end.
        var next: WalkPosition?
    }

    private let descriptor: FileDescriptor
    private let header: FileHeader

    /// Buckets in a slice: most may be empty.
    private static let mostBuckets = 1_000

    /// A walk through the file as it is now; it lasts until the next write.
    init(_ descriptor: FileDescriptor) throws(GDBMError) {
        guard let header = FileHeader(descriptor) else { throw GDBMError(GDBM_BAD_HEADER) }
        self.descriptor = descriptor
        self.header = header
    }

    /// Reads the entries from that position on, at most so many.
    func slice(from position: WalkPosition?, limit: Int) -> Slice {
        var slice = Slice()
        var position = position ?? WalkPosition(hash: 0)
        for _ in 0..<Self.mostBuckets {
            guard let index = index(of: position) else { return slice }
            let bucket = bucket(at: index)
            if bucket == nil { slice.damaged += 1 }
            for entry in entries(of: bucket, at: index, from: position, damaged: &slice.damaged) {
                guard slice.entries.count < limit else {
                    slice.next = entry.position
                    return slice
                }
                slice.entries.append(entry)
            }
            position = WalkPosition(hash: hashes(of: bucket, at: index).upperBound)
        }
        slice.next = index(of: position) == nil ? nil : position
        return slice
    }

    /// How many entries there are, as the buckets say.
    func count() -> Int {
        var count = 0
        var position = WalkPosition(hash: 0)
        while let index = index(of: position) {
            let bucket = bucket(at: index)
            count += bucket?.elements.count ?? 0
            position = WalkPosition(hash: hashes(of: bucket, at: index).upperBound)
        }
        return count
    }

    /// The place in the directory; nil behind its end.
    private func index(of position: WalkPosition) -> Int? {
        let index = Int(position.hash) >> header.shift
        return index < header.places ? index : nil
    }

    private func bucket(at index: Int) -> Bucket? {
        let size = MemoryLayout<Int64>.size
        guard let address = descriptor.read(size, at: header.directory + Int64(index * size)) else { return nil }
        let place = address.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
        guard place > 0, let bytes = descriptor.read(header.bucketSize, at: place),
            var bucket = Bucket(bytes, directoryBits: header.directoryBits)
        else { return nil }
        if !allLead(to: place, as: bucket, at: index) { bucket.narrow(toDirectoryBits: header.directoryBits) }
        return bucket
    }

    /// Whether all places of the directory that ought to lead to a bucket do.
    private func allLead(to place: Int64, as bucket: Bucket, at index: Int) -> Bool {
        let count = 1 << (header.directoryBits - bucket.bits)
        let size = MemoryLayout<Int64>.size
        let first = index & ~(count - 1)
        guard let places = descriptor.read(count * size, at: header.directory + Int64(first * size)) else {
            return false
        }
        return places.withUnsafeBytes { places in
            (0..<count).allSatisfy { places.loadUnaligned(fromByteOffset: $0 * size, as: Int64.self) == place }
        }
    }

    /// What of the file can be read, and what can't.
    struct Extent {
        /// Entries that are records of ours.
        var entries = 0
        /// Buckets and entries that couldn't be read.
        var unreadable = 0
        /// Entries that aren't records of ours.
        var strange = 0
        /// All that a reader misses.
        var damaged: Int { unreadable + strange }
    }

    /// Looks through the file; nil in place of a limit for all of it, else as long as that.
    ///
    /// - Parameter limit: how long to look
    func extent(within limit: Duration? = nil) -> Extent {
        var extent = Extent()
        var position: WalkPosition?
        let start = ContinuousClock.now
        repeat {
            let slice = slice(from: position, limit: Self.mostBuckets)
            let records = slice.entries.count { $0.sighting != nil }
            extent.entries += records
            extent.strange += slice.entries.count - records
            extent.unreadable += slice.damaged
            position = slice.next
            if let limit, ContinuousClock.now - start > limit { break }
        } while position != nil
        return extent
    }

    /// The hashes that lead to a bucket; of one that can't be read, those of its place in the directory.
    private func hashes(of bucket: Bucket?, at index: Int) -> Range<UInt32> {
        let shift = FileHeader.hashBits - (bucket?.bits ?? header.directoryBits)
        let first = (index << header.shift) >> shift
        return UInt32(first << shift)..<UInt32((first + 1) << shift)
    }

    private func entries(of bucket: Bucket?, at index: Int, from position: WalkPosition, damaged: inout Int)
        -> [StoredEntry]
    {
        guard let bucket else { return [] }
        damaged += bucket.damaged
        let hashes = hashes(of: bucket, at: index)
        var entries: [StoredEntry] = []
        for element in bucket.elements where !hashes.contains(element.hash) || element.hash >= position.hash {
            if bucket.isPartial, !hashes.contains(element.hash) { continue }
            guard hashes.contains(element.hash), let entry = element.read(descriptor) else {
                damaged += 1
                continue
            }
            if entry.position >= position { entries.append(entry) }
        }
        return entries.sorted { $0.position < $1.position }
    }
}

/// A record doesn't tell its client's network. It is read from a plain key; what is under a hashed one is counted among all
/// entries only, and not by network, once this process hasn't written it itself.
extension PendingTracker<WalkPosition> {
    /// Does a slice of the walk.
    ///
    /// After an error it waits for the next query, which meets the same error and deals with it.
    func walk(_ database: Database) {
        do throws(GDBMError) {
            let slice = try database.entries(from: position, limit: Self.slice)
            var hasRemoved = false
            for entry in slice.entries {
                guard let sighting = entry.sighting, sighting.isPending else { continue }
                if isUncounted(sighting) { count(sighting, network: entry.network) }
                guard limiter.hasDropped(sighting), try database.remove(entry) else { continue }
                hasRemoved = true
                forget(sighting, network: entry.network)
            }
            endSlice(at: slice.next, hasRemoved: hasRemoved)
        } catch {
            restart()
        }
    }
}
