import Greylist
import Storage

/// What the daemons of a world keep their entries in.
protocol Ground: AnyObject {
    /// How many daemons there are.
    var daemons: Int { get }
    /// How many event loops each has.
    var loops: Int { get }
    /// Whether an answer promises something of the aliases of a triplet.
    var promisesAliases: Bool { get }
    /// What may go wrong with it.
    var faults: [Fault] { get }

    /// Opens it for a daemon that starts.
    func open(_ daemon: Daemon, loops: Int) throws -> Opening
    /// The world comes to its end.
    func end()
}

/// What a daemon has of the store.
struct Opening {
    /// One for each of its loops.
    let stores: [any Store]
    /// For all else.
    let rest: any Store
    /// The daemon is killed.
    let end: () -> Void
}

/// Something that goes wrong for a while.
struct Fault {
    let name: String
    let begin: () -> Void
    let end: () -> Void

    init(_ name: String, begin: @escaping () -> Void, end: @escaping () -> Void) {
        (self.name, self.begin, self.end) = (name, begin, end)
    }
}
