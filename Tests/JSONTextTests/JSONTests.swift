import TestSupport
import Testing

@testable import JSONText

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
            ("NaN", "1:1: NaN is not a finite number"),
            ("\"\\u12\"", "1:2: 4 hexadecimal digits are missing in this escape"),
            ("\"\\ud800\"", "1:2: unpaired surrogate in \\u escape"),
            ("\"\\ud800\\u0041\"", "1:2: unpaired surrogate in \\u escape"),
            ("\"\\ud800\\n\"", "1:2: unpaired surrogate in \\u escape"),
            ("\"\\1\"", "1:2: \\ before a digit means nothing"),
            ("\"a\u{1}\"", "1:3: expected no control character inside a text, found \"\\u0001\""),
            ("\"a\\", "1:3: the text ends after a \\"),
            ("", "1:1: expected a value, found the end of the text"),
            ("[", "1:2: expected a value, found the end of the text"),
        ])
    func faults(text: String, message: String) throws {
        let fault = try #require(throws: JSONError.self) { try JSONParser.parse(Array(text.utf8)) }
        let remedy = fault.remedy.map { " (\($0))" } ?? ""
        #expect("\(fault.line):\(fault.column): \(fault.message)\(remedy)" == message)
    }

    static let goodTexts: [(text: String, value: JSONValue)] = [
        ("{}", .object([:])), ("[]", .array([])), ("null", .null), ("true", .bool(true)), ("false", .bool(false)),
        ("0", .int(0)), ("-0", .int(0)), ("5", .int(5)), ("-5", .int(-5)), ("+1", .int(1)),
        ("5.0", .int(5)), ("5.", .int(5)), (".5", .double(0.5)), ("0.1", .double(0.1)),
        ("1e3", .int(1000)), ("1E-2", .double(0.01)), ("0x10", .int(16)), ("-0x1f", .int(-31)),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("10000000000000000000", .double(1e19)),
        (#""""#, .string("")), (#"'a"b'"#, .string("a\"b")), (#""a'b""#, .string("a'b")),
        (#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#, .string("\"\\/\u{8}\u{c}\n\r\té😀")), (#""é😀""#, .string("é😀")),
        ("\"a\u{2028}b\"", .string("a\u{2028}b")),
        (#""\x41\v\0""#, .string("A\u{b}\0")), (#""\é\q""#, .string("éq")),
        ("\"a\\\nb\"", .string("ab")), ("\"a\\\r\nb\"", .string("ab")),
        (
            "{\"a\": 1, 'b': [1, 2,], c_$1: {d: null,},}",
            .object(["a": .int(1), "b": .array([.int(1), .int(2)]), "c_$1": .object(["d": .null])])
        ),
        ("{é: 1}", .object(["é": .int(1)])),
        ("// c\n{} // d", .object([:])), ("/**/[/* a */1/*b*/,/**/]/* * / */", .array([.int(1)])),
        ("\u{feff}{}", .object([:])), ("\u{a0}{\u{b}\u{c}}\r\n", .object([:])),
        ("[[[[]]], {}]", .array([.array([.array([.array([])])]), .object([:])])),
    ]

    @Test("what is JSON or JSON5 is read", arguments: goodTexts)
    func read(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(Array(text.utf8)).value == value)
    }

    @Test("what is printed reads back", arguments: goodTexts.map(\.value))
    func printedReadsBack(value: JSONValue) throws {
        #expect(try JSONParser.parse(Array(value.text.utf8)).value == value)
        #expect(!value.text.contains("\n"))
    }

    @Test("members and elements keep their order, and each has its place")
    func places() throws {
        let node = try JSONParser.parse(Array("// é\n{ b: 1,\n 'é': [\n[], /* é */ \"é\", 2],\n\n b:\n{}}".utf8))
        #expect(described(node) == "2:1 {2 b: 2:6 1, 3 é: 3:7 [4:1 [], 4:13 \"é\", 4:18 2], 6 b: 7:1 {}}")
    }

    @Test("of a key that is given twice, the last value stands")
    func twice() throws {
        let node = try JSONParser.parse(Array("{a: 1, b: 2, a: 3}".utf8))
        #expect(node.value == .object(["a": .int(3), "b": .int(2)]))
        let members = if case .object(let members) = node.content { members } else { [JSONMember]() }
        #expect(members.standing == ["a": 2, "b": 1])
    }

    @Test(
        "what is not UTF-8 is refused where it begins",
        arguments: [
            ([0x7b, 0x0a, 0x22, 0xff, 0x22, 0x7d], 2, 2), ([0xff], 1, 1), ([0xc3, 0xa9, 0xc3], 1, 2),
            ([0xef, 0xbb, 0xbf, 0x20, 0xed, 0xa0, 0x80], 1, 2), ([0x22, 0xc0, 0x80, 0x22], 1, 2),
        ])
    func notUTF8(bytes: [UInt8], line: Int, column: Int) throws {
        let fault = try #require(throws: JSONError.self) { try JSONParser.parse(bytes) }
        #expect(fault == JSONError(line: line, column: column, message: "the text is not UTF-8"))
    }

    @Test("the sentence about a fault leaves the line to the file's name")
    func message() throws {
        let fault = try #require(throws: JSONError.self) { try JSONParser.parse(Array("\n {".utf8)) }
        #expect(fault.description == "not JSON: expected a key or \"}\", found the end of the text at column 3")
    }

    @Test("nesting is bounded", arguments: ["[", "{a:", "[{a:"])
    func deep(opening: String) throws {
        let deep = Array(String(repeating: opening, count: 100_000).utf8)
        let fault = try #require(throws: JSONError.self) { try JSONParser.parse(deep) }
        #expect(fault.message == "nested deeper than 64 levels")
        let fits = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: Never.self) { try JSONParser.parse(Array(fits.utf8)) }
    }

    @Test("broken texts of all kinds end in a fault or a value, never otherwise")
    func mutations() {
        var random = SeededRandom(seed: 1)
        let seed = Array(Self.goodTexts.map(\.text).joined(separator: ",").utf8)
        for _ in 0..<20_000 {
            var bytes = Array(seed[Int(random.next() % UInt64(seed.count))...].prefix(Int(random.next() % 60)))
            for _ in 0..<(random.next() % 4) where !bytes.isEmpty {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? JSONParser.parse(bytes)
        }
    }
}

/// A node with its places, as `LINE:COLUMN value`, and the lines of keys.
private func described(_ node: JSONNode) -> String {
    let content =
        switch node.content {
        case .object(let members):
            "{" + members.map { "\($0.line) \($0.key): \(described($0.node))" }.joined(separator: ", ") + "}"
        case .array(let nodes): "[" + nodes.map(described).joined(separator: ", ") + "]"
        case .scalar(let value): value.text
        }
    return "\(node.line):\(node.column) \(content)"
}
