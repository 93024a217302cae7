import TestSupport

extension SeededRandom {
    /// So many bytes, all of them from `alphabet`.
    mutating func bytes(_ count: Int, of alphabet: ClosedRange<UInt8> = 0...255) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: alphabet, using: &self) }
    }

    /// So many bytes, one in `rarity` of which is that one.
    mutating func bytes(_ count: Int, with byte: UInt8, onceIn rarity: Int) -> [UInt8] {
        (0..<count).map { _ in
            Int.random(in: 0..<rarity, using: &self) == 0 ? byte : UInt8.random(in: 0...255, using: &self)
        }
    }
}
