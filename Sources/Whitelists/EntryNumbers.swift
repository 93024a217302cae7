/// Further entries under a key whose first entry is known; nearly always none.
struct EntryNumbers: Sendable {
    private var more: [UInt32: [UInt32]] = [:]

    /// Adds an entry under the key of that first one.
    mutating func add(_ number: Int, after first: UInt32) {
        more[first, default: []].append(UInt32(number))
    }

    /// How many entries stand under a key.
    func count(from first: UInt32) -> Int { 1 + (more[first]?.count ?? 0) }

    /// The lowest number below `limit` under a key that is accepted, else `limit`.
    @inline(__always)
    func lowest(from first: UInt32, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        var best = limit
        if first < best, accepts(Int(first)) { best = Int(first) }
        guard !more.isEmpty, let others = more[first] else { return best }
        for number in others where number < best {
            if accepts(Int(number)) { best = Int(number) }
        }
        return best
    }
}
