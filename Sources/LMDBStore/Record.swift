import Greylist

/// A sighting as it lies in the database: 16 bytes, little-endian: passes (4), first (8, Unix seconds), and 4 that depend:
/// while it is pending, the tag of the client's network (0: unknown), else last (signed seconds after first).
struct Record: BitwiseCopyable {
    private let passes: UInt32
    private let first: Int64
    private let rest: UInt32

    static let size = 16

    init(_ sighting: Sighting, network: UInt32) {
        passes = sighting.passes
        first = sighting.first.seconds
        let age = Int32(clamping: sighting.last.seconds.subtractingReportingOverflow(first).partialValue)
        rest = sighting.isPending ? network : UInt32(bitPattern: age)
    }

    /// The record in these bytes; nil where they can't be one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size else { return nil }
        passes = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        first = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int64.self))
        rest = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    }

    /// The tag of the network of a pending entry; 0 where it isn't known.
    var network: UInt32 { passes == 0 ? rest : 0 }

    var sighting: Sighting {
        let age = passes == 0 ? 0 : Int64(Int32(bitPattern: rest))
        let last = first.addingReportingOverflow(age).partialValue
        return Sighting(passes: passes, first: Timestamp(seconds: first), last: Timestamp(seconds: last))
    }

    func write(to target: UnsafeMutableRawBufferPointer) {
        target.storeBytes(of: passes.littleEndian, as: UInt32.self)
        target.storeBytes(of: first.littleEndian, toByteOffset: 4, as: Int64.self)
        target.storeBytes(of: rest.littleEndian, toByteOffset: 12, as: UInt32.self)
    }
}
