/// Random bytes that are the same in each run.
struct RandomBytes: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mix = state
        mix = (mix ^ mix >> 30) &* 0xbf58_476d_1ce4_e5b9
        mix = (mix ^ mix >> 27) &* 0x94d0_49bb_1331_11eb
        return mix ^ mix >> 31
    }

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
