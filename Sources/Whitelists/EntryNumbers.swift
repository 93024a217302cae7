/// The numbers of the entries that stand under each key of a table; nearly always one.
struct EntryNumbers: Sendable {
    /// The first entry of each key.
    private var first: [UInt32] = []
    /// Further entries, by the place of their key.
    private var more: [Int: [UInt32]] = [:]

    /// Adds an entry under the next key, or under one that is there.
    mutating func add(_ number: Int, at place: Int?) {
        if let place {
            more[place, default: []].append(UInt32(number))
        } else {
            first.append(UInt32(number))
        }
    }

    /// How many entries stand under a key.
    func count(at place: Int) -> Int { 1 + (more[place]?.count ?? 0) }

    /// The lowest number below `limit` under a key that is accepted, else `limit`.
    @inline(__always)
    func lowest(at place: Int, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        var best = limit
        let number = Int(first[place])
        if number < best, accepts(number) { best = number }
        guard !more.isEmpty, let others = more[place] else { return best }
        for number in others where number < best {
            if accepts(Int(number)) { best = Int(number) }
        }
        return best
    }
}
