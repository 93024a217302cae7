/// Where the entries of a source stand, a few bytes each.
struct SourceLocations: Sendable {
    /// A list of the source and the number of its first entry.
    private struct List: Sendable {
        let name: String
        let first: Int
    }

    private struct Location: Sendable {
        let index: UInt32
        /// 0 where there are no lines.
        let line: UInt32
        /// Where the entry's name ends in `names`; it begins where the one before it ends.
        let nameEnd: UInt32
    }

    private let source: String
    private var lists: [List] = []
    private var locations: [Location] = []
    private var names: [UInt8] = []

    init(source: String) {
        self.source = source
    }

    var count: Int { locations.count }

    mutating func add(_ entry: WhitelistEntry, list: String?) {
        if let list, list != lists.last?.name { lists.append(List(name: list, first: locations.count)) }
        if let name = entry.name { names.append(contentsOf: name.utf8) }
        locations.append(
            Location(
                index: UInt32(entry.index), line: UInt32(clamping: entry.line ?? 0), nameEnd: UInt32(names.count)))
    }

    /// The list of an entry: the last one that begins at or before it.
    private func list(of number: Int) -> List? {
        var (low, high) = (0, lists.count)
        while low < high {
            let middle = (low + high) / 2
            if lists[middle].first <= number { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? lists[low - 1] : nil
    }

    /// `SOURCE:LINE(LIST:NAME)`, or `SOURCE:LINE(LIST[INDEX])` for an entry without a name; what there isn't is left
    /// out.
    func text(_ number: Int) -> String {
        let location = locations[number]
        let start = number == 0 ? 0 : Int(locations[number - 1].nameEnd)
        let name = String(decoding: names[start..<Int(location.nameEnd)], as: UTF8.self)
        let position = location.line == 0 ? source : "\(source):\(location.line)"
        guard let list = list(of: number) else { return position }
        return "\(position)(\(list.name)\(name.isEmpty ? "[\(location.index)]" : ":\(name)"))"
    }
}
