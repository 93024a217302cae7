import NIOCore
import RedisLab
import Testing

@testable import RedisClient

struct SlotMapTests {
    private static let asked = address("10.0.0.9", 7009)

    private static func address(_ host: String, _ port: Int) -> ServerAddress { .tcp(.init(host: host, port: port)) }

    private static func range(_ first: Int, _ last: Int, _ nodes: (RESPValue, Int)...) -> RESPValue {
        .array(
            [.integer(first), .integer(last)]
                + nodes.map { .array([$0.0, .integer($0.1), .bulk("id"), .array([])]) })
    }

    @Test func aMapNamesMastersAndReplicas() throws {
        let map = try SlotMap(
            .array([
                Self.range(0, 99, (.bulk("b"), 1), (.bulk("c"), 2)), Self.range(100, 16383, (.bulk("a"), 3)),
                Self.range(16383, 16383, (.bulk("b"), 1)),
            ]), from: Self.asked)
        #expect(map.spans.map(\.slots) == [0...99, 100...16383, 16383...16383])
        #expect(map.masters == [Self.address("a", 3), Self.address("b", 1)])
        #expect(map.nodes == [Self.address("b", 1), Self.address("c", 2), Self.address("a", 3)])
    }

    @Test(arguments: [RESPValue.bulk(""), .null, .bulk("?")])
    func aNodeWithoutAHostIsWhereItWasAsked(_ host: RESPValue) throws {
        let map = try SlotMap(.array([Self.range(0, 1, (host, 5))]), from: Self.asked)
        #expect(map.masters == [Self.address("10.0.0.9", 5)])
    }

    @Test(arguments: [
        RESPValue.null, .simple("OK"), .array([.integer(1)]), .array([.array([.integer(0), .integer(1)])]),
        .array([range(1, 0, (.bulk("a"), 1))]), .array([range(-1, 0, (.bulk("a"), 1))]),
        .array([range(0, 16384, (.bulk("a"), 1))]), .array([range(0, 1, (.bulk("a"), 0))]),
        .array([range(0, 1, (.bulk("a"), 65536))]), .array([.array([.integer(0), .integer(1), .bulk("a")])]),
        .array([.array([.bulk("x"), .integer(1), .array([.bulk("a"), .integer(1)])])]), .array([]),
    ])
    func whatIsNoMapIsRefused(_ reply: RESPValue) {
        let fault = #expect(throws: RedisError.self) { try SlotMap(reply, from: Self.asked) }
        #expect(fault?.kind == .unavailable(.clusterDown))
    }
}
