import Bytes
public import Greylist

/// A sighting as TPRT 0.9.3 wrote it, and as GNU dbm and Redis keep it: `count,time` in ASCII digits.
///
/// `time` is that of the first attempt while the count is 0, else that of the last recorded use; the other of the two isn't kept.
public enum LegacyRecord {
    /// Appends the text of a sighting.
    public static func append(_ sighting: Sighting, to bytes: inout [UInt8]) {
        bytes.append(decimal: Int(sighting.passes))
        bytes.append(UInt8(ascii: ","))
        bytes.append(decimal: Int(max(0, sighting.last.seconds)))
    }

    /// The sighting that a text stands for; nil where it is no such text.
    public static func sighting(_ text: Span<UInt8>) -> Sighting? {
        var index = 0
        // 18 digits always fit.
        guard let passes = text.decimal(at: &index, atMost: 18), index < text.count, text[index] == UInt8(ascii: ",")
        else { return nil }
        index += 1
        guard let seconds = text.decimal(at: &index, atMost: 18), index == text.count else { return nil }
        let time = Timestamp(seconds: Int64(seconds))
        return Sighting(passes: UInt32(clamping: passes), first: time, last: time)
    }
}
