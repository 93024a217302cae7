import Testing

@testable import Domains

/// The samples are those of RFC 3492, section 7.1, and of Unicode's TR 46.
@Suite("Labels beyond ASCII")
struct PunycodeTests {
    static let labels: [(String, String)] = [
        ("bücher", "bcher-kva"), ("ü", "tda"), ("straße", "strae-oqa"), ("παράδειγμα", "hxajbheg2az3al"),
        ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"), ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
        ("なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"),
        ("porquénopuedensimplementehablarenespañol", "porqunopuedensimplementehablarenespaol-fmd56a"),
        ("3年b組金八先生", "3b-ww4c5e180e575a65lsy2b"), ("☃", "n3h"),
    ]

    @Test(arguments: labels)
    func bothWays(label: String, ascii: String) {
        #expect(Punycode.encode(label.unicodeScalars) == Array(ascii.utf8))
        #expect(Punycode.decode(Array(ascii.utf8)).map { String($0) } == label)
    }

    @Test(arguments: ["", "a-", "-", "99999999", "é", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "A"])
    func whatIsNoneDoesNoHarm(text: String) {
        _ = Punycode.decode(Array(text.utf8))
        #expect(Punycode.decode(Array(String(repeating: "9", count: 64).utf8)) == nil)
        #expect(Punycode.encode(String(repeating: "ü", count: 64).unicodeScalars) == nil)
    }
}
