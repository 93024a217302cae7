import NIOCore

/// The nodes of a cluster that are connected to, and which of them has each slot.
final class ClusterNodes {
    private let make: (ServerAddress) -> NodeClient
    private var nodes: [ServerAddress: NodeClient] = [:]
    private var owners = [NodeClient?](repeating: nil, count: KeySlot.count)
    /// What was learnt last; nil before the first time.
    private(set) var map: SlotMap?
    /// Whether the next map has to be looked at even if it says the same as the last.
    private var isDisordered = false

    init(make: @escaping (ServerAddress) -> NodeClient) {
        self.make = make
    }

    /// Whether commands are sent to all of them.
    var areReady: Bool { map != nil && nodes.values.allSatisfy { $0.fault == nil } }

    /// The node that has the slot, or any where it doesn't matter.
    func owner(of slot: UInt16?) -> NodeClient? {
        guard let slot else { return owners.lazy.compactMap { $0 }.first }
        return owners[Int(slot)]
    }

    /// A node that is connected to.
    subscript(address: ServerAddress) -> NodeClient? { nodes[address] }

    /// The node at that address, which is connected to from now on.
    func join(_ address: ServerAddress) -> NodeClient {
        if let node = nodes[address] { return node }
        let node = make(address)
        nodes[address] = node
        node.start()
        return node
    }

    /// Believes a node that says who has a slot.
    func move(_ slot: UInt16, to node: NodeClient) {
        owners[Int(slot)] = node
        isDisordered = true
    }

    /// One of them was lost: what is believed of it may be wrong.
    func doubt() {
        isDisordered = true
    }

    /// Puts everything in the order of a map, and leaves the nodes that have no slots any more.
    func adopt(_ map: SlotMap) {
        guard map != self.map || isDisordered else { return }
        self.map = map
        isDisordered = false
        owners = [NodeClient?](repeating: nil, count: KeySlot.count)
        for span in map.spans {
            let node = join(span.master)
            for slot in span.slots { owners[slot] = node }
        }
        let masters = Set(map.masters)
        for (address, node) in nodes where !masters.contains(address) {
            if node.isIdle {
                nodes[address] = nil
                node.close()
            } else {
                isDisordered = true
            }
        }
    }

    /// Sends what the nodes have taken.
    func flush() {
        for node in nodes.values { node.flush() }
    }

    /// Closes all of them.
    func close() {
        owners = [NodeClient?](repeating: nil, count: KeySlot.count)
        let nodes = nodes.values
        self.nodes = [:]
        for node in nodes { node.close() }
    }
}
