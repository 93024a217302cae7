import Greylist

/// A sighting as it lies in the database: 16 bytes, little-endian: passes (4), first (8, Unix seconds), last (4, signed
/// seconds after first).
struct Record: BitwiseCopyable {
    private let passes: UInt32
    private let first: Int64
    private let age: Int32

    static let size = 16

    init(_ sighting: Sighting) {
        passes = sighting.passes
        first = sighting.first.seconds
        age = Int32(clamping: sighting.last.seconds.subtractingReportingOverflow(first).partialValue)
    }

    /// The record in these bytes; nil where they can't be one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size else { return nil }
        passes = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        first = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int64.self))
        age = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: Int32.self))
    }

    var sighting: Sighting {
        let last = first.addingReportingOverflow(Int64(age)).partialValue
        return Sighting(passes: passes, first: Timestamp(seconds: first), last: Timestamp(seconds: last))
    }

    func write(to target: UnsafeMutableRawBufferPointer) {
        target.storeBytes(of: passes.littleEndian, as: UInt32.self)
        target.storeBytes(of: first.littleEndian, toByteOffset: 4, as: Int64.self)
        target.storeBytes(of: age.littleEndian, toByteOffset: 12, as: Int32.self)
    }
}
