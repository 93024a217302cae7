import NIOCore
import Storage

/// Where a walk through all masters goes on: the master, and the cursor that its `SCAN` gave.
///
/// Masters are walked through in the order of their names, so that one that comes or goes meanwhile confuses nothing.
struct RedisCursor: Equatable {
    var master: String
    var position: String

    init(master: String, position: String) {
        self.master = master
        self.position = position
    }

    init?(_ cursor: Cursor) {
        let parts = String(decoding: cursor.bytes, as: UTF8.self).split(
            separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self.init(master: String(parts[0]), position: String(parts[1]))
    }

    var cursor: Cursor { Cursor(Array("\(master) \(position)".utf8)) }
}

extension RedisClient.Master {
    /// The name by which a cursor knows it.
    var name: String {
        switch self {
        case .only: ""
        case .node(let address): "\(address)"
        }
    }
}
