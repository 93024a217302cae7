import NIOCore
import Storage

/// Who has which slots, as a node of a cluster says it in answer to `CLUSTER SLOTS`.
struct SlotMap: Equatable {
    struct Span: Equatable {
        var slots: ClosedRange<Int>
        var master: ServerAddress
    }

    var spans: [Span] = []
    /// All nodes, replicas too: any of them can be asked.
    var nodes: [ServerAddress] = []

    /// Reads an answer: `[first, last, [host, port, …], [host, port, …] …]` for each range, the master first.
    init(_ reply: RESPValue, from asked: ServerAddress) throws(RedisError) {
        guard let ranges = reply.elements else { throw .unreadableSlots }
        for range in ranges {
            guard let fields = range.elements, fields.count >= 3, let first = fields[0].number,
                let last = fields[1].number, first >= 0, first <= last, last < KeySlot.count
            else { throw .unreadableSlots }
            var addresses: [ServerAddress] = []
            for node in fields[2...] {
                guard let node = node.elements, node.count >= 2, let port = node[1].number, (1...65535).contains(port)
                else { throw .unreadableSlots }
                // Without a host it is that of the node that was asked; so is one that has yet to be told its name.
                let host = node[0].string ?? ""
                addresses.append(asked.resolve(.init(host: host == "?" ? "" : host, port: port)))
            }
            spans.append(Span(slots: first...last, master: addresses[0]))
            for address in addresses where !nodes.contains(address) { nodes.append(address) }
        }
        guard !spans.isEmpty else {
            throw RedisError(.unavailable(.clusterDown), "the cluster has given no slots to its nodes")
        }
    }

    /// The nodes that have slots, in an order of their own.
    var masters: [ServerAddress] {
        Set(spans.map(\.master)).sorted { $0.description < $1.description }
    }
}

extension RedisError {
    fileprivate static let unreadableSlots = RedisError(
        .unavailable(.clusterDown), "the answer to CLUSTER SLOTS can't be understood")
}
