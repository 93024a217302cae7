import Storage

/// Where entries lie among the keys of a database.
///
/// Without a prefix that is the layout of TPRT 0.9.3: the keys of both tables as they are. With one, the keys of the
/// greylist begin with it, those of the auto-whitelist with the prefix and `awl:`, and those of identities with the prefix
/// and `id:`. Where the auto-whitelist is with a greylist without a prefix, its keys begin with `awl:` alone, as those of
/// no triplet do; those of identities always begin with `id:`. A prefix that ends so is taken for that of the table: so
/// `awl:` names those keys for `tprtctl`.
package struct RedisLayout: Sendable {
    /// What the keys of a table have after the prefix.
    private static let marks = PerTable(greylist: [], autoWhitelist: Array("awl:".utf8), identity: Array("id:".utf8))

    private let keyPrefix: [UInt8]
    private let separatesTables: Bool

    package init(keyPrefix: String, separatesTables: Bool = false) {
        self.keyPrefix = Array(keyPrefix.utf8)
        self.separatesTables = separatesTables
    }

    func prefix(of table: Table) -> [UInt8] {
        let mark = Self.marks[table]
        if keyPrefix.suffix(mark.count) == mark[...] { return keyPrefix }
        return table == .autoWhitelist && keyPrefix.isEmpty && !separatesTables ? [] : keyPrefix + mark
    }

    /// The entry that a key of the database names; nil where it isn't one of the table.
    ///
    /// Others may have keys in the same database: only what has the form of ours is taken for ours.
    func key(_ name: UnsafeRawBufferPointer, in table: Table) -> Key? {
        let prefix = prefix(of: table)
        guard name.starts(with: prefix), !prefix.isEmpty || !Self.isMarked(name) else { return nil }
        let key = Key(spelling: UnsafeRawBufferPointer(rebasing: name[prefix.count...]))
        return key.hasForm ? key : nil
    }

    /// Whether it is a key of a table that isn't the greylist, in a database without a prefix.
    private static func isMarked(_ name: UnsafeRawBufferPointer) -> Bool {
        name.starts(with: marks[.autoWhitelist]) || name.starts(with: marks[.identity])
    }

    /// The pattern of `SCAN` for a table; nil where every key may be an entry.
    func pattern(of table: Table) -> [UInt8]? {
        let prefix = prefix(of: table)
        guard !prefix.isEmpty else { return nil }
        var pattern: [UInt8] = []
        for byte in prefix {
            if "*?[]\\".utf8.contains(byte) { pattern.append(UInt8(ascii: "\\")) }
            pattern.append(byte)
        }
        return pattern + [UInt8(ascii: "*")]
    }

    /// The key of the lease by which instances agree who goes through a table.
    func lease(of table: Table) -> [UInt8] {
        prefix(of: table) + Array("tprt-maintenance".utf8)
    }
}
