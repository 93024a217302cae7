import Greylist
import SampleOptions
import Storage

/// The judgement, the key it is made under, and the memory store, which does nothing else.
enum StoreOperations {
    static func all() -> [Operation] {
        judging() + keys() + [inMemory(1), inMemory(100)]
    }

    private static func judging() -> [Operation] {
        let rules = Rules.sample()
        let first = Timestamp(seconds: Samples.now.seconds - 100)
        func operation(_ name: String, _ stored: StoredState) -> Operation {
            Operation("judge: \(name)") {
                judge(stored, at: Samples.now, under: rules).remember.triplet == nil ? 0 : 1
            }
        }
        return [
            operation("new", StoredState()),
            operation("early retry", StoredState(triplet: Sighting(firstAt: first))),
            operation("known", StoredState(triplet: Sighting(passes: 3, first: first, last: first))),
        ]
    }

    private static func keys() -> [Operation] {
        let text = Array("192.0.2.0/24/sender@example.org/user@example.com".utf8)
        return [
            Operation("key: digest of a triplet") {
                if case .digest(let digest) = Key(text.span, isHashed: true) {
                    digest.withBytes { Int($0[0]) }
                } else {
                    .min
                }
            }
        ]
    }

    /// A batch of early retries: nothing is written.
    private static func inMemory(_ count: Int) -> Operation {
        let store = MemoryStore()
        let batch = (0..<count).map { number in
            let text = Array("192.0.2.0/24/sender@example.org/user\(number)@example.com".utf8)
            var query = StoreQuery(network: 1, time: Samples.now, rules: Rules.sample())
            query.lookups.append(.init(.triplet, Key(text.span, isHashed: true)))
            return query
        }
        _ = store.decide(batch)
        return Operation("memory store: a batch of \(count)") { store.decide(batch).count }
    }
}
