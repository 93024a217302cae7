import TestSupport

/// A node of a cluster, as some node sees it.
public struct ClusterNode: Sendable {
    /// Its name in the cluster, 40 hexadecimal digits.
    public let id: String
    /// Its port on 127.0.0.1.
    public let port: Int
    /// What is said about it, such as `myself`, `master`, `slave`, `fail`.
    public let flags: [String]
    /// The id of its master, if it is a replica.
    public let masterID: String?
    /// The slots that it serves.
    public let slots: [ClosedRange<Int>]

    /// Whether it is a master that nobody thinks dead.
    public var isMaster: Bool { flags.contains("master") && !isDown }

    /// Whether it is a replica that nobody thinks dead.
    public var isReplica: Bool { flags.contains("slave") && !isDown }

    private var isDown: Bool { flags.contains("fail") || flags.contains("fail?") }

    /// Whether it serves a slot.
    public func serves(_ slot: Int) -> Bool {
        slots.contains { $0.contains(slot) }
    }

    /// Reads a line of `CLUSTER NODES`.
    ///
    /// Such as `ID 127.0.0.1:PORT@BUS-PORT FLAGS MASTER-ID PING PONG EPOCH LINK SLOT FIRST-LAST [SLOT->-ID]`; there is
    /// a `-` in place of the master's id if it has none.
    init(_ line: Substring) throws {
        let fields = line.split(separator: " ")
        guard fields.count >= 8,
            let port = fields[1].split(separator: "@").first?.split(separator: ":").last.flatMap({ Int($0) })
        else { throw TestError("CLUSTER NODES: \(line)") }
        id = String(fields[0])
        self.port = port
        flags = fields[2].split(separator: ",").map(String.init)
        masterID = fields[3] == "-" ? nil : String(fields[3])
        slots = fields.dropFirst(8).compactMap { field in
            let ends = field.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil else { return nil }
            return first...last
        }
    }

    /// What nodes have to agree about.
    struct Shape: Hashable, Comparable {
        let id: String
        let role: String
        let slots: [ClosedRange<Int>]

        static func < (left: Shape, right: Shape) -> Bool { left.id < right.id }
    }

    var shape: Shape {
        Shape(id: id, role: isMaster ? "master" : isReplica ? "of \(masterID ?? "")" : "down", slots: slots)
    }
}
