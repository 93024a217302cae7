/// The tables of a store.
///
/// Each exists in every store and in every file format. Their names and versions are documented in docs/stores.md.
public enum Table: Int, Sendable, CaseIterable {
    /// Entries of triplets.
    case greylist
    /// Entries of clients, counted for the auto-whitelist.
    case autoWhitelist
    /// Entries of organisations and correspondents.
    case identity
}

/// One value for each table.
public struct PerTable<Value> {
    private var greylist: Value
    private var autoWhitelist: Value
    private var identity: Value

    /// The value that `make` gives for each table.
    @inlinable
    public init<Failure: Error>(_ make: (Table) throws(Failure) -> Value) throws(Failure) {
        try self.init(greylist: make(.greylist), autoWhitelist: make(.autoWhitelist), identity: make(.identity))
    }

    /// These values.
    public init(greylist: Value, autoWhitelist: Value, identity: Value) {
        self.greylist = greylist
        self.autoWhitelist = autoWhitelist
        self.identity = identity
    }

    /// The value of a table.
    public subscript(table: Table) -> Value {
        get {
            switch table {
            case .greylist: greylist
            case .autoWhitelist: autoWhitelist
            case .identity: identity
            }
        }
        _modify {
            switch table {
            case .greylist: yield &greylist
            case .autoWhitelist: yield &autoWhitelist
            case .identity: yield &identity
            }
        }
    }
}

extension PerTable: Sendable where Value: Sendable {}
extension PerTable: Equatable where Value: Equatable {}
