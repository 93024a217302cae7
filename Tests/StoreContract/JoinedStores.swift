public import Storage

extension JoinedStore {
    /// The tables in two stores: the auto-whitelist in the second.
    public init(greylist: any Store, autoWhitelist: any Store) {
        self.init([greylist, autoWhitelist], places: PerTable(greylist: 0, autoWhitelist: 1, identity: 0))
    }

    /// Each table in a store of its own.
    public init(greylist: any Store, autoWhitelist: any Store, identity: any Store) {
        self.init(
            [greylist, autoWhitelist, identity], places: PerTable(greylist: 0, autoWhitelist: 1, identity: 2))
    }
}
