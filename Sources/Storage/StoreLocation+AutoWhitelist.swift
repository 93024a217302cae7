extension StoreLocation {
    /// Where the auto-whitelist is that goes with a greylist in this place: in the same database or, since a GNU dbm file
    /// holds one table, in the file `autowldb` beside it, as TPRT 0.9.3 calls it.
    ///
    /// In a Redis its keys have a prefix of their own (`awl:`).
    public var autoWhitelistBeside: StoreLocation {
        guard case .gdbm(let path) = self else { return self }
        let end = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let name = path[end...] == "autowldb" ? "autowldb-awl" : "autowldb"
        return .gdbm(path: path[..<end] + name)
    }
}
