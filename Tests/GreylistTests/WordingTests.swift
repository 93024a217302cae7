import Greylist
import Testing

struct WordingTests {
    static let now = Timestamp(seconds: 1_795_340_130)

    @Test func variablesAreReplaced() throws {
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "Greylisted: {wait} {delay} {hostname} {recipient_domain} {{x}} {date}",
            header: "X-Greylist: {delay} at {hostname} for {recipient_domain}; {date}", hostname: "mx.example.com")
        let recipient = Array("u@x@Example.COM".utf8)
        let deferral = wording.deferral(wait: 299, delay: 1, at: Self.now, recipient: recipient.span)
        #expect(
            String(decoding: deferral, as: UTF8.self)
                == "DEFER_IF_PERMIT Greylisted: 299 1 mx.example.com example.com {x} Sun, 22 Nov 2026 09:35:30 +0000")
        let header = wording.header(delay: 301, at: Self.now, recipient: recipient.span)
        #expect(
            String(decoding: header, as: UTF8.self)
                == "PREPEND X-Greylist: 301 at mx.example.com for example.com; Sun, 22 Nov 2026 09:35:30 +0000")
    }

    @Test(arguments: [
        ("user", ""), ("user@", ""), ("@d", "d"),
        ("a@" + String(repeating: "d", count: 300), String(repeating: "d", count: 255)),
    ])
    func theDomainIsBounded(_ recipient: String, _ domain: String) throws {
        let wording = try Wording(action: "450", text: "G {recipient_domain}", header: "X: y", hostname: "h")
        let deferral = wording.deferral(wait: 1, delay: 0, at: Self.now, recipient: Array(recipient.utf8).span)
        #expect(String(decoding: deferral, as: UTF8.self) == "450 G " + domain)
    }

    static let faulty: [(String, String)] = [
        ("{waiting}", "unknown variable {waiting}"), ("{}", "unknown variable {}"), ("{wait", "brace without"),
        ("wait}", "brace without"), ("a\nb", "byte 10"), ("ü", "printable ASCII"), ("{ wait }", "unknown variable"),
    ]

    @Test(arguments: faulty)
    func aTextThatCannotBeUsedIsRefused(_ text: String, _ message: String) {
        let fault = #expect(throws: Template.ParseError.self) { try Template(text) }
        #expect(fault?.description.contains(message) == true)
    }

    @Test(arguments: ["no header", ": value", "X-Greylist:", "X Greylist: x", "{delay}: x", "\u{7f}: x"])
    func aHeaderThatPostfixWouldDropIsRefused(_ header: String) {
        #expect(throws: Wording.ParseError.self) {
            try Wording(action: "450", text: "x", header: header, hostname: "h")
        }
    }

    static let dates: [(Int64, String)] = [
        (0, "Thu, 1 Jan 1970 00:00:00 +0000"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (951_868_799, "Tue, 29 Feb 2000 23:59:59 +0000"),
        (951_868_800, "Wed, 1 Mar 2000 00:00:00 +0000"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 +0000"),
        (4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000"),
        (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
        (1_795_340_130, "Sun, 22 Nov 2026 09:35:30 +0000"),
        (-86_400, "Wed, 31 Dec 1969 00:00:00 +0000"),
        // What a damaged store may have.
        (.max, "Sun, 4 Dec 292277026596 15:30:07 +0000"),
    ]

    @Test(arguments: dates)
    func datesAreThoseOfRFC5322(_ seconds: Int64, _ text: String) {
        var bytes: [UInt8] = []
        bytes.append(internetDate: Timestamp(seconds: seconds))
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }
}
