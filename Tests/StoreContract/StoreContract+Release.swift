import Greylist
import SampleOptions
import Storage

/// Mail that an administrator lets through: an entry that says that the next attempt passes.
extension StoreContract {
    static let releasing: [StoreContract] = [
        StoreContract(description: "a release lets the next attempt pass, once, and then the triplet is known") {
            store in
            try expect(try await store.ask("a", at: 1_000), .new(wait: 300))
            try await store.release(["a"], at: 1_010, first: 1_000)
            try expect(try await store.ask("a", at: 1_020), .released)
            try expect(try await store.find([releaseKey("a")], in: .greylist)[0]?.passes, 1)
            try expect(try await store.ask("a", at: 1_030), .known)
        },
        StoreContract(
            description: "a release under an alias lets an attempt from elsewhere pass, and all keys know of it"
        ) {
            store in
            try expect(try await store.ask("a", aliases: ["org"], at: 1_000), .new(wait: 300))
            try await store.release(["a", "org"], at: 1_010, first: 1_000)
            try expect(try await store.ask("b", aliases: ["org"], at: 1_020), .released)
            let found = try await store.find([releaseKey("org"), releaseKey("b")], in: .greylist)
            try expect(found.map { $0?.passes }, [1, 1])
            try expect(try await store.ask("b", aliases: ["org"], at: 1_030), .known)
            try expect(try await store.ask("c", aliases: ["org"], at: 1_040), .known)
        },
        StoreContract(description: "all keys of a release that an attempt has know of its pass") { store in
            try await store.release(["a", "org"], at: 1_010, first: 1_010)
            try expect(try await store.ask("a", aliases: ["org"], at: 1_020), .released)
            let found = try await store.find([releaseKey("a"), releaseKey("org")], in: .greylist)
            try expect(found.map { $0?.passes }, [1, 1])
        },
        StoreContract(description: "a release that another key has passed by is over") { store in
            try await store.release(["a", "org"], at: 1_010, first: 1_000)
            try expect(try await store.ask("b", aliases: ["org"], at: 1_020), .released)
            try expect(try await store.ask("a", aliases: ["org"], at: 1_030), .known)
            try expect(try await store.find([releaseKey("a")], in: .greylist)[0]?.passes, 2)
        },
        StoreContract(description: "a release of what was never seen holds for its first attempt") { store in
            try await store.release(["a"], at: 1_000, first: 1_000)
            try expect(try await store.ask("a", at: 1_001), .released)
        },
        StoreContract(description: "what has passed is not released by one that comes too late") { store in
            for time: Int64 in [1_000, 1_400] { _ = try await store.ask("a", at: time) }
            try await store.release(["a"], at: 1_500, first: 1_000)
            try expect(try await store.find([releaseKey("a")], in: .greylist)[0]?.passes, 1)
            try expect(try await store.ask("a", at: 1_600), .known)
        },
        StoreContract(description: "a release no longer holds once its entry has expired") { store in
            try await store.release(["a"], at: 1_000, first: 1_000)
            try expect(try await store.ask("a", at: 1_001 + Rules.sample().maxAge), .new(wait: 300))
        },
    ]
}

extension Store {
    fileprivate func release(_ names: [String], at now: Int64, first: Int64) async throws {
        let moment = Timestamp(seconds: now)
        let sighting = Sighting(releasedAt: moment, firstAt: Timestamp(seconds: first))
        try await merge(
            names.map { Entry(key: releaseKey($0), sighting: sighting) }, into: .greylist, at: moment,
            under: Rules.sample())
    }
}

private func releaseKey(_ text: String) -> Key { Key(Array(text.utf8).span, isHashed: true) }
