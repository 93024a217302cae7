import FoundationEssentials
import Testing

@testable import Settings

@Suite("JSON")
struct JSONTests {
    @Test(
        "what is not JSON is named with line and column",
        arguments: [
            ("{\n \"a\" 1}", "2:6: expected \":\" after the key, found \"1\""),
            ("{\"a\": 1 \"b\": 2}", "1:9: expected \",\" or \"}\", found \"\\\"\""),
            ("{\"é\": 1 2}", "1:9: expected \",\" or \"}\", found \"2\""),
            ("[1,, 2]", "1:4: expected a value, found \",\""),
            ("{,}", "1:2: expected a key or \"}\", found \",\""),
            ("{\"a\": }", "1:7: expected a value, found \"}\""),
            ("{} x", "1:4: expected the end of the text, found \"x\""),
            ("{\"a\": tru}", "1:7: expected a value, found \"tru\" (did you mean true?)"),
            ("{\"a\": True}", "1:7: expected a value, found \"True\" (did you mean true?)"),
            ("{\"a\": unix}", "1:7: expected a value, found \"unix\" (a text needs quotes)"),
            ("\n\n\"abc", "3:1: this text in quotes has no end"),
            ("\"a\nb\"", "1:1: a line ends inside this text (is its closing quote missing?)"),
            ("/* x\n", "1:1: this comment has no end"),
            ("/", "1:1: expected a value, found \"/\""),
            ("{\"m\": 0660}", "1:7: a number cannot begin with 0 (write \"0660\" if a text is meant)"),
            ("1.2.3", "1:1: \"1.2.3\" is not a number (a text needs quotes)"),
            ("1e999", "1:1: \"1e999\" is not a number (a text needs quotes)"),
            ("-", "1:1: \"-\" is not a number (a text needs quotes)"),
            ("-inf", "1:1: \"-inf\" is not a number (a text needs quotes)"),
            ("5m", "1:1: \"5m\" is not a number (a text needs quotes)"),
            ("NaN", "1:1: NaN is not a number that a setting can have"),
            ("\"\\u12\"", "1:2: 4 hexadecimal digits are missing in this escape"),
            ("\"\\ud800\"", "1:2: half a character in this escape"),
            ("\"\\ud800\\u0041\"", "1:2: half a character in this escape"),
            ("\"\\ud800\\n\"", "1:2: half a character in this escape"),
            ("\"\\1\"", "1:2: \\ before a digit means nothing"),
            ("\"a\u{1}\"", "1:3: expected no control character inside a text, found \"\\u0001\""),
            ("\"a\\", "1:3: the text ends after a \\"),
            ("", "1:1: expected a value, found the end of the text"),
            ("[", "1:2: expected a value, found the end of the text"),
        ])
    func faults(text: String, complaint: String) throws {
        let fault = try #require(throws: JSONFault.self) { try JSONParser.parse(Array(text.utf8)) }
        let remedy = fault.remedy.map { " (\($0))" } ?? ""
        #expect("\(fault.line):\(fault.column): \(fault.complaint)\(remedy)" == complaint)
    }

    static let goodTexts = [
        "{}", "[]", "null", "true", "false", "0", "-0", "5", "-5", "5.0", "1e3", "1E-2", "0.1", "12345678901234567890",
        "9223372036854775807", "-9223372036854775808", "0x10", "-0x1f", "+1", ".5", "5.", "\"\"", "'a\"b'", "\"a'b\"",
        #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#, #""é😀""#,
        "{\"a\": 1, 'b': [1, 2,], c_$1: {d: null,},}", "// c\n{} // d", "/**/[/* a */1/*b*/,/**/]/* * / */",
        "\u{feff}{}",
        "[[[[]]], {}]", "\"a\u{2028}b\"", "{é: 1}",
    ]

    @Test("what is JSON reads as Foundation reads it", arguments: goodTexts)
    func agreesWithFoundation(text: String) throws {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        let theirs = try decoder.decode(Reference.self, from: Data(text.utf8)).value
        #expect(try JSONParser.parse(Array(text.utf8)).value == theirs)
    }

    @Test("what is printed reads back", arguments: goodTexts)
    func printedReadsBack(text: String) throws {
        let value = try JSONParser.parse(Array(text.utf8)).value
        #expect(try JSONParser.parse(Array(value.text.utf8)).value == value)
        #expect(!value.text.contains("\n"))
    }

    @Test(
        "what JSON5 has and Foundation has not",
        arguments: [
            (#""\x41\v\0""#, JSONValue.string("A\u{b}\0")), (#""\é\q""#, .string("éq")), ("\"a\\\nb\"", .string("ab")),
            ("\"a\\\r\nb\"", .string("ab")), ("\u{a0}{\u{b}\u{c}}\r\n", .object([:])),
        ])
    func beyondFoundation(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(Array(text.utf8)).value == value)
    }

    @Test("lines of the two upper levels are known")
    func lines() throws {
        let document = try JSONParser.parse(
            Array("{\n\"a\": {\n\"b\": {\"c\": 1},\n\"d\": [{\"e\": 1}]},\n\"f\": 1}".utf8))
        #expect(document.lines == ["a": 2, "a.b": 3, "a.d": 4, "f": 5])
    }

    @Test("what is not UTF-8 is refused")
    func notUTF8() throws {
        let fault = try #require(throws: JSONFault.self) { try JSONParser.parse([0x7b, 0x0a, 0x22, 0xff, 0x22, 0x7d]) }
        #expect(fault.line == 2)
        #expect(fault.complaint == "the text is not UTF-8")
    }

    @Test("nesting is bounded", arguments: ["[", "{a:", "[{a:"])
    func deep(opening: String) throws {
        let deep = Array(String(repeating: opening, count: 100_000).utf8)
        let fault = try #require(throws: JSONFault.self) { try JSONParser.parse(deep) }
        #expect(fault.complaint == "nested deeper than 64 levels")
        let fits = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: Never.self) { try JSONParser.parse(Array(fits.utf8)) }
    }

    @Test("size is bounded")
    func huge() {
        let spaces = [UInt8](repeating: 0x20, count: ConfigurationFile.sizeLimit - 2)
        #expect(complaints(files: [ConfigurationFile(path: "/a", bytes: spaces + Array("{}".utf8))]).isEmpty)
        #expect(
            complaints(files: [ConfigurationFile(path: "/a", bytes: spaces + Array("{} ".utf8))])
                == ["/a: the file has 16777217 bytes (at most 16777216)"])
    }

    @Test("broken texts of all kinds end in a fault or a value, never otherwise")
    func mutations() {
        var random = SplitMix(state: 1)
        let seed = Array(Self.goodTexts.joined(separator: ",").utf8)
        for _ in 0..<20_000 {
            var bytes = Array(seed[Int(random.next() % UInt64(seed.count))...].prefix(Int(random.next() % 60)))
            for _ in 0..<(random.next() % 4) where !bytes.isEmpty {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? JSONParser.parse(bytes)
            _ = complaints(files: [ConfigurationFile(path: "/a", bytes: bytes)])
        }
    }

    @Test(
        "the nearest word",
        arguments: [
            ("grey_dely", "grey_delay"), ("gery_delay", "grey_delay"), ("grey_de", "grey_delay"), ("on", "no"),
            ("xyz", nil),
            ("", nil),
        ])
    func nearestWord(word: String, found: String?) {
        #expect(nearest(to: word, among: ["grey_delay", "no", "grey_action"]) == (word == "on" ? nil : found))
    }
}

/// Foundation's reading of a JSON text.
private struct Reference: Decodable {
    var value: JSONValue

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .null
        } else if let bool = try? container.decode(Bool.self) {
            value = .bool(bool)
        } else if let int = try? container.decode(Int.self) {
            value = .int(int)
        } else if let double = try? container.decode(Double.self) {
            value = .double(double)
        } else if let string = try? container.decode(String.self) {
            value = .string(string)
        } else if let list = try? container.decode([Reference].self) {
            value = .array(list.map(\.value))
        } else {
            value = .object(try container.decode([String: Reference].self).mapValues(\.value))
        }
    }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
