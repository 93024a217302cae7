import Storage

/// Where entries lie among the keys of a database.
///
/// Without a prefix that is the layout of TPRT 0.9.3: the keys of both tables as they are. With one, the keys of the
/// greylist begin with it, and those of the auto-whitelist with the prefix and `awl:`.
package struct RedisLayout: Sendable {
    private let keyPrefix: [UInt8]

    package init(keyPrefix: String) {
        self.keyPrefix = Array(keyPrefix.utf8)
    }

    func prefix(of table: Table) -> [UInt8] {
        keyPrefix.isEmpty || table == .greylist ? keyPrefix : keyPrefix + Array("awl:".utf8)
    }

    /// The entry that a key of the database names; nil where it isn't one of the table.
    ///
    /// Others may have keys in the same database: only what has the form of ours is taken for ours.
    func key(_ name: UnsafeRawBufferPointer, in table: Table) -> Key? {
        let prefix = prefix(of: table)
        guard name.starts(with: prefix) else { return nil }
        let key = Key(spelling: UnsafeRawBufferPointer(rebasing: name[prefix.count...]))
        return key.hasForm ? key : nil
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
