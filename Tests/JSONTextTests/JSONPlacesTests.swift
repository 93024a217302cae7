import Testing

@testable import JSONText

@Suite("Places in JSON, and JSON that is written")
struct JSONPlacesTests {
    @Test("the bytes of each element, without what is around them")
    func ranges() throws {
        let text = "[ 1 , /* x */ {\"é\": [2]},\n \"a\" // end\n,]"
        var parser = try JSONParser(Array(text.utf8))
        let ranges = try parser.elementRanges()
        #expect(ranges.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) } == ["1", "{\"é\": [2]}", "\"a\""])
        #expect(parser.offset == text.utf8.count)
    }

    @Test("where blanks and comments end", arguments: [(" \n/* a */ // b\n x", 16), ("x", 0), ("  ", 2)])
    func blanks(text: String, end: Int) throws {
        #expect(try JSONParser.endOfBlanks(in: Array(text.utf8), from: 0) == end)
    }

    @Test(
        "a value is written in the order in which it was read",
        arguments: [
            (
                #"{z: 1, 'a': [true, null, {}, []], "é\u0007": "\""}"#,
                #"{"z": 1, "a": [true, null, {}, []], "é\u0007": "\""}"#
            ),
            ("-1.5", "-1.5"), (#"{"a": 1, "a": 2}"#, #"{"a": 1, "a": 2}"#),
        ])
    func writes(text: String, written: String) throws {
        let node = try JSONParser.parse(Array(text.utf8))
        #expect(node.text == written)
        #expect(try JSONParser.parse(Array(written.utf8)).value == node.value)
    }
}
