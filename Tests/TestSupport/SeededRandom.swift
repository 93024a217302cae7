/// Numbers that look random and are the same in every run (SplitMix64).
public struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// Begins a series of its own.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mix = state
        mix = (mix ^ mix >> 30) &* 0xbf58_476d_1ce4_e5b9
        mix = (mix ^ mix >> 27) &* 0x94d0_49bb_1331_11eb
        return mix ^ mix >> 31
    }
}
