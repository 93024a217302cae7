/// The slot of a cluster that keeps a key: CRC16 (XMODEM) of the key, or of its hash tag, modulo 16384.
///
/// The hash tag is what stands between the first `{` and the next `}`, unless it is empty: keys with the same one are
/// in the same slot, so that one script may use them together.
enum KeySlot {
    static let count = 16384

    static func of(_ key: Span<UInt8>) -> UInt16 {
        crc16(key.extracting(hashTag(of: key))) % UInt16(count)
    }

    private static func hashTag(of key: Span<UInt8>) -> Range<Int> {
        guard let open = key.firstIndex(of: UInt8(ascii: "{"), from: 0),
            let close = key.firstIndex(of: UInt8(ascii: "}"), from: open + 1), close > open + 1
        else { return key.indices }
        return (open + 1)..<close
    }

    private static func crc16(_ bytes: Span<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for index in bytes.indices { crc = crc << 8 ^ table[Int(UInt8(truncatingIfNeeded: crc >> 8) ^ bytes[index])] }
        return crc
    }

    /// What a byte does to the sum: the polynomial 0x1021, most significant bit first.
    private static let table: [UInt16] = (0..<256).map { byte in
        var crc = UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        return crc
    }
}

extension Span<UInt8> {
    fileprivate func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index < count, self[index] != byte { index += 1 }
        return index < count ? index : nil
    }
}
