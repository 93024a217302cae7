import Bytes
import Greylist
import SampleOptions
import Storage
import Testing

@Suite("The keys of a site")
struct SiteKeyTests {
    static func key(_ byte: UInt8) throws -> SiteKey {
        try #require(SiteKey(Array(repeating: byte, count: SiteKey.size)))
    }

    private static func digits(_ digest: Digest) -> String { digest.withBytes { String(hexadecimal: $0) } }

    /// Made with Python's hmac.
    @Test(
        "a key of an entry is the first 160 bits of HMAC-SHA-256",
        arguments: [
            ("192.0.2.0/24/a@example.org/u@example.com", 0x0b, "960950f7c5581744532bcd8e9303ed4dc6aeb8a8"),
            ("", 0x0b, "5177e637aaac0b50e5dca8bb05b0b571444bd59b"),
            ("192.0.2.0/24/a@example.org/u@example.com", 0xaa, "1636b45b4907658c8c693b7dd9a7759b4e31e471"),
            (String(repeating: "x", count: 200), 0xaa, "ef505c635af923fcea3f2af9ac640405af296e31"),
        ] as [(String, UInt8, String)])
    func digest(_ text: String, _ byte: UInt8, _ expected: String) throws {
        let key = try Self.key(byte)
        for _ in 0..<2 {
            let digest = key.digest(of: Array(text.utf8).span)
            #expect(Self.digits(digest) == expected)
        }
    }

    @Test("other purposes have other secrets, and other keys other marks")
    func purposes() throws {
        let (key, other) = (try Self.key(1), try Self.key(2))
        #expect(key.secret(for: .addresses) != key.secret(for: .mark))
        #expect(key.secret(for: .addresses) != other.secret(for: .addresses))
        #expect(key.secret(for: .addresses).count == MailDigests.keySize)
        #expect(key.mark.count == 8 && key.mark != other.mark)
        #expect(SiteKey.random() != SiteKey.random())
    }

    @Test("a key has 32 bytes, and nothing that prints it shows one")
    func hidden() throws {
        #expect(SiteKey(Array(repeating: 1, count: 31)) == nil && SiteKey(Array(repeating: 1, count: 33)) == nil)
        let keys = SiteKeys(current: try Self.key(0xab), other: (try Self.key(0xcd), .former))
        for text in ["\(keys)", String(reflecting: keys), "\(KeyScheme.keyed(SiteKeyring(keys, wasHashed: true)))"] {
            #expect(!text.contains("abab") && !text.contains("171"), "\(text)")
        }
        var dumped = ""
        dump(keys, to: &dumped)
        #expect(!dumped.contains("171") && !dumped.contains("205") && !dumped.contains("abab"), "\(dumped)")
    }

    @Test("the file says what there is, and nothing else is taken for it")
    func file() throws {
        let (one, other) = (try Self.key(1), try Self.key(2))
        for keys in [
            SiteKeys(current: one), SiteKeys(current: one, other: (other, .former)),
            SiteKeys(current: other, other: (one, .next)),
        ] {
            #expect(try SiteKeys(text: keys.text) == keys)
        }
        let digits = String(repeating: "01", count: 32)
        for text in ["current \(digits)", "\n# x\n\tcurrent  \(digits.uppercased())\r\n"] {
            #expect(try SiteKeys(text: Array(text.utf8)) == SiteKeys(current: one))
        }
        let wrong = [
            ("", "it has no current key"), ("former \(digits)\n", "it has no current key"),
            ("current \(digits.dropLast(2))\n", "line 1: expected current, former or next, and 64 hexadecimal digits"),
            ("# x\ncurrent \(digits) x\n", "line 2: expected current, former or next, and 64 hexadecimal digits"),
            ("current\n", "line 1: expected current, former or next, and 64 hexadecimal digits"),
            ("current \(digits.dropLast())g\n", "line 1: expected current, former or next, and 64 hexadecimal digits"),
            (
                "current \(digits)\ncurrent \(digits)\n",
                "line 2: expected one current key, and at most one that is former or next"
            ),
            (
                "current \(digits)\nformer \(digits)\nnext \(digits)\n",
                "line 3: expected one current key, and at most one that is former or next"
            ),
            ("later \(digits)\n", "line 1: expected one current key, and at most one that is former or next"),
            ("\u{0}\u{1}\u{ff}", "line 1: expected current, former or next, and 64 hexadecimal digits"),
        ]
        for (text, message) in wrong {
            let error = #expect(throws: SiteKeys.ParseError.self) { try SiteKeys(text: Array(text.utf8)) }
            #expect(error?.description == message)
            #expect(error?.description.contains("0101") == false)
        }
    }

    @Test("a rotation keeps the key that was; one that was prepared takes over")
    func rotation() throws {
        let first = SiteKeys(current: try Self.key(1))
        let second = first.rotated
        #expect(second.current != first.current && second.other?.key == first.current && second.other?.role == .former)
        let third = second.rotated
        #expect(third.other?.key == second.current && !third.all.contains(first.current))
        let prepared = second.prepared
        #expect(prepared.current == second.current && prepared.other?.role == .next)
        #expect(prepared.other?.key != first.current)
        let taken = prepared.rotated
        #expect(taken.current == prepared.other?.key && taken.other?.key == second.current)
    }

    @Test("a text is written under one key, and looked up under those of before")
    func scheme() throws {
        let text = Array("192.0.2.0/24/a@example.org/u@example.com".utf8)
        let (one, other) = (try Self.key(1), try Self.key(2))
        let keys = SiteKeys(current: one, other: (other, .former))
        func expect(_ scheme: KeyScheme, _ expected: [Key]) {
            let (keys, written) = (scheme.keys(text.span), scheme.key(text.span))
            #expect(keys == expected && written == expected[0])
            #expect(scheme.hasOthers == (expected.count > 1))
        }
        expect(.plain, [.text(text)])
        expect(.hashed, [Key(text.span, isHashed: true)])
        expect(
            .keyed(SiteKeyring(keys, wasHashed: true)),
            [.digest(one.digest(of: text.span)), .digest(other.digest(of: text.span)), Key(text.span, isHashed: true)])
        expect(
            .keyed(SiteKeyring(SiteKeys(current: one), wasHashed: false)),
            [.digest(one.digest(of: text.span)), .text(text)])
    }

    @Test("a query holds all of them, the triplet's own first, and each of the others knows whose it is")
    func lookups() throws {
        let keys = SiteKeys(current: try Self.key(1), other: (try Self.key(2), .former))
        let scheme = KeyScheme.keyed(SiteKeyring(keys, wasHashed: true))
        var query = StoreQuery(time: Timestamp(seconds: 2_000), rules: Rules.sample(clientCount: 5))
        let texts = ["a", "former spelling", "other spelling", "client", "host", "organisation"].map { Array($0.utf8) }
        let roles: [StoreQuery.Role] = [.triplet, .legacy, .legacy, .client, .alias, .alias]
        for (role, text) in zip(roles, texts) { query.lookups.append(role, text.span, by: scheme) }
        query.lookups.append(.init(.legacy, .text([1])))
        query.lookups.append(.init(.legacyClient, .text([2])))
        #expect(query.lookups.count == StoreQuery.Lookups.limit)
        #expect(query.lookups.prefix(3).map(\.role) == [.triplet, .alias, .alias])
        #expect(query.lookups.dropFirst(3).allSatisfy { !$0.role.isOwn })
        var own: [Key] = []
        for index in [0, 4, 5] {
            let text = texts[index]
            own.append(scheme.key(text.span))
        }
        #expect(query.lookups.prefix(3).map(\.key) == own)
        #expect(Set(query.lookups.map(\.key)).count == query.lookups.count)
        #expect(query.lookups.filter { $0.role == .legacyClient }.count == 3)
        let clients = query.restricted(to: .autoWhitelist)
        #expect(clients.lookups.map(\.role) == [.client, .legacyClient, .legacyClient, .legacyClient])
        // What is found under any key of the organisation matched the organisation.
        let passed = Sighting(passes: 1, first: Timestamp(seconds: 1_000), last: Timestamp(seconds: 1_900))
        for (position, text) in [(0, texts[0]), (1, texts[4]), (2, texts[5])] {
            for key in scheme.keys(text.span) {
                let state = query.state(under: PendingLimiter()) { query.lookups[$0].key == key ? passed : nil }
                #expect(state.matched == position && state.triplet == passed)
                // Where the triplet's own key is enough, the others aren't looked at.
                #expect(state.isIncomplete == (key != own[0]))
            }
        }
    }
}
