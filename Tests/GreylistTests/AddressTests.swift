import Greylist
import Testing

struct AddressTests {
    static let readable: [(String, String)] = [
        ("192.0.2.1", "192.0.2.1/32"),
        ("0.0.0.0", "0.0.0.0/32"),
        ("255.255.255.255", "255.255.255.255/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1/128"),
        ("::", "::/128"),
        ("::1", "::1/128"),
        ("1::", "1::/128"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8/128"),
        ("1:0:0:4:0:0:0:8", "1:0:0:4::8/128"),
        ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8/128"),
        ("0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1/128"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221/128"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::FFFF:c000:0201", "192.0.2.1/32"),
        ("fe80::1%eth0", "fe80::1/128"),
        ("192.0.2.1%lo", "192.0.2.1/32"),
    ]

    @Test(arguments: readable)
    func isRead(_ text: String, _ canonical: String) throws {
        let address = try #require(Address(text))
        #expect(Network(address, prefixLength: 128).description == canonical)
    }

    static let unreadable = [
        "", "unknown", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.", ".1.2.3", "1.2.3.4 ",
        " 1.2.3.4", "1.2.3.-4", "0x1.2.3.4", "1.2.3.1000", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
        "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "1:", ":1", "1::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4", "%eth0", "[::1]",
    ]

    @Test(arguments: unreadable)
    func isRefused(_ text: String) {
        #expect(Address(text) == nil)
    }

    static let networks: [(String, Int, String)] = [
        ("192.0.2.77", 24, "192.0.2.0/24"),
        ("192.0.2.77", 32, "192.0.2.77/32"),
        ("192.0.2.77", 0, "0.0.0.0/0"),
        ("192.0.2.77", 31, "192.0.2.76/31"),
        ("192.0.2.77", 99, "192.0.2.77/32"),
        ("2001:db8:aaaa:bbbb::1", 48, "2001:db8:aaaa::/48"),
        ("2001:db8:aaaa:bbbb::1", 33, "2001:db8:8000::/33"),
        ("2001:db8:aaaa:bbbb::1", 0, "::/0"),
        ("::ffff:192.0.2.77", 24, "192.0.2.0/24"),
    ]

    @Test(arguments: networks)
    func losesItsHostBits(_ text: String, _ length: Int, _ expected: String) throws {
        let address = try #require(Address(text))
        #expect(Network(address, prefixLength: length).description == expected)
    }

    static let privateAddresses = [
        "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.0",
        "100.127.255.255", "169.254.1.1", "127.0.0.1", "127.255.0.1", "::ffff:172.17.0.1", "fc00::1", "fdff::1",
        "fe80::1",
        "febf::1", "::1",
    ]
    static let publicAddresses = [
        "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.63.255.255",
        "100.128.0.0", "169.253.0.1", "169.255.0.1", "126.255.255.255", "128.0.0.0", "0.0.0.1", "::", "::2", "fbff::1",
        "fe00::1",
        "fec0::1", "2001:db8::1", "2000::10.0.0.1",
    ]

    @Test(arguments: privateAddresses)
    func isPrivate(_ text: String) throws {
        #expect(try #require(Address(text)).isPrivate)
    }

    @Test(arguments: publicAddresses)
    func isNotPrivate(_ text: String) throws {
        #expect(!(try #require(Address(text)).isPrivate))
    }

    static let masks: [(String, Int?)] = [
        ("255.255.255.0", 24), ("255.255.255.255", 32), ("0.0.0.0", 0), ("255.0.255.0", nil), ("0.0.0.1", nil),
        ("::", nil),
    ]

    @Test(arguments: masks)
    func canBeAMask(_ text: String, _ length: Int?) throws {
        #expect(try #require(Address(text)).asMask == length)
    }
}
