import SPF
import Testing

@testable import Resolver

@Suite("Which servers are asked")
struct ServerTextTests {
    @Test(
        "A server is an address, with a port where it isn't 53",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("127.0.0.1:53", "127.0.0.1"), ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "::1"), ("[::1]", "::1"), ("[::1]:53", "::1"), ("[::1]:5353", "[::1]:5353"),
            ("fe80::1%eth0", "fe80::1%eth0"), ("[fe80::1%eth0]:5353", "[fe80::1%eth0]:5353"),
        ])
    func server(_ text: String, _ expected: String) throws {
        let server = try DNSServer(text)
        #expect(server.description == expected)
        #expect(try DNSServer(server.description) == server)
    }

    @Test(
        "What isn't one is refused by a sentence",
        arguments: [
            "", "localhost", "127.0.0", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+53",
            "127.0.0.1%eth0", "[127.0.0.1]:53", "[::1", "[::1]53", "[::1]:", "::1]:53", "::g", "fe80::1%", " ::1",
            "fe80::1%a@b", "fe80::1%abcdefghijklmnop", "127.0.0.1\0", "127.0.0.1@53",
        ])
    func noServer(_ text: String) {
        let error = #expect(throws: DNSServerError.self) { () throws in _ = try DNSServer(text) }
        #expect(error?.description.hasPrefix("invalid DNS server \"\(text)\" (expected an address") ?? false)
    }

    static let files: [(String, [String])] = [
        ("nameserver 192.0.2.1\n", ["192.0.2.1"]),
        ("nameserver 192.0.2.1", ["192.0.2.1"]),
        (
            "# made by hand\nsearch example.org\nnameserver\t192.0.2.1  \r\noptions edns0\nnameserver 2001:db8::1 # v6\n",
            ["192.0.2.1", "2001:db8::1"]
        ),
        ("nameserver fe80::1%eth0\n", ["fe80::1%eth0"]),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n", ["192.0.2.1", "192.0.2.2"]),
        (
            "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
        ),
        (
            "nameserver\nnameserver  \nnameserver x\nnameserver192.0.2.9\n#nameserver 192.0.2.9\n;nameserver 192.0.2.9\n"
                + " nameserver 192.0.2.9\nNAMESERVER 192.0.2.9\nnameserver 192.0.2.9:53\nnameserver [::1]\n"
                + "nameserver \u{fc}\nnameserver 192.0.2.1\n", ["192.0.2.1"]
        ),
        ("", ["127.0.0.1"]),
        ("nameserver x\n\n\u{0}\n", ["127.0.0.1"]),
        ("nameserver " + String(repeating: "1", count: 1_000) + "\nnameserver 192.0.2.1\n", ["192.0.2.1"]),
    ]

    @Test("Of resolv.conf the first three usable servers count, or else the local one", arguments: files)
    func resolvConf(_ text: String, _ expected: [String]) {
        #expect(ResolvConf.servers(in: Array(text.utf8)).map(\.description) == expected)
    }

    @Test("No more is read of resolv.conf than its limit")
    func limit() {
        for (blanks, expected) in [(ResolvConf.sizeLimit - 100, "192.0.2.1"), (ResolvConf.sizeLimit, "127.0.0.1")] {
            let text = String(repeating: "\n", count: blanks) + "nameserver 192.0.2.1\n"
            #expect(ResolvConf.servers(in: Array(text.utf8)).map(\.description) == [expected])
        }
    }
}

@Suite("The data of records")
struct RecordDataTests {
    private func read(_ records: [[UInt8]], _ type: DNSRecordType) -> DNSAnswer? {
        var data = RecordData(type)
        for record in records {
            let isAdded = record.withUnsafeBufferPointer { data.add($0) }
            guard isAdded else { return nil }
        }
        return data.answer
    }

    static let long = (0..<4).flatMap { index in
        [index < 3 ? UInt8(63) : 61] + Array(repeating: UInt8(ascii: "a"), count: index < 3 ? 63 : 61)
    }

    static let cases: [([UInt8], DNSRecordType, DNSAnswer?)] = [
        ([192, 0, 2, 1], .a, .addresses([.ipv4(0xc000_0201)])),
        ([192, 0, 2], .a, nil), ([192, 0, 2, 1, 0], .a, nil), ([], .a, nil), ([192, 0, 2, 1], .aaaa, nil),
        (Array(repeating: 0, count: 15) + [1], .aaaa, .addresses([.ipv6(1)])),
        (Array(repeating: 0, count: 16), .a, nil),
        ([0, 10, 1, 97, 0], .mx, .exchanges([[97]])), ([0, 10, 0], .mx, .exchanges([[]])), ([0, 10], .mx, nil),
        ([0], .mx, nil), ([], .mx, nil), ([0, 10, 1, 97, 0, 0], .mx, nil), ([0, 10, 0xc0, 12], .mx, nil),
        ([1, 97, 1, 98, 0], .ptr, .names([Array("a.b".utf8)])), ([1, 97], .ptr, nil), ([1], .ptr, nil), ([], .ptr, nil),
        ([3, 97, 46, 98, 0], .ptr, .names([[97, 0, 98]])), ([64] + Array(repeating: 97, count: 64) + [0], .ptr, nil),
        (
            long + [0], .ptr,
            .names([
                Array(String(repeating: String(repeating: "a", count: 63) + ".", count: 3).utf8)
                    + Array(repeating: 97, count: 61)
            ])
        ),
        ([1, 97] + long + [0], .ptr, nil),
        ([2, 97, 98], .txt, .texts([[97, 98]])), ([1, 97, 1, 98], .txt, .texts([[97, 98]])), ([0], .txt, .texts([[]])),
        ([], .txt, nil), ([3, 97, 98], .txt, nil), ([1, 97, 2, 98], .txt, nil), ([255], .txt, nil),
    ]

    @Test("Data is read only where it is as it should be", arguments: cases)
    func data(_ bytes: [UInt8], _ type: DNSRecordType, _ expected: DNSAnswer?) {
        #expect(read([bytes], type) == expected)
    }

    @Test("Data of more than 64 KiB is not read")
    func limit() {
        let record: [UInt8] = [255] + Array(repeating: 97, count: 255)
        #expect(read(Array(repeating: record, count: 256), .txt) != nil)
        #expect(read(Array(repeating: record, count: 256) + [[0]], .txt) == nil)
    }

    @Test("Random data is read or refused")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...(Bool.random() ? 8 : 255), using: &generator) }
            for type in [DNSRecordType.a, .aaaa, .mx, .ptr, .txt] {
                guard let answer = read([bytes], type) else { continue }
                #expect(answer.size <= 48 + 40)
            }
        }
    }
}
