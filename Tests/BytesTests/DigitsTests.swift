import Bytes
import Testing

struct DigitsTests {
    @Test(arguments: [
        (0, 1, "0"), (7, 1, "7"), (10, 1, "10"), (99, 1, "99"), (100, 1, "100"), (65_535, 1, "65535"),
        (Int.max, 1, "9223372036854775807"), (0, 2, "00"), (7, 2, "07"), (123, 2, "123"), (42, 4, "0042"),
    ])
    func decimal(_ number: Int, _ width: Int, _ expected: String) {
        var bytes = Array("=".utf8)
        bytes.append(decimal: number, width: width)
        #expect(String(decoding: bytes, as: UTF8.self) == "=" + expected)
    }

    @Test func smallDecimals() {
        for number: UInt16 in 0..<1000 {
            let bytes = [UInt8](capacity: 3) { $0.append(decimal: number) }
            #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
        }
    }

    @Test func hexadecimals() {
        for number in 0...UInt16.max {
            let bytes = [UInt8](capacity: 4) { $0.append(hexadecimal: number) }
            guard String(decoding: bytes, as: UTF8.self) != String(number, radix: 16) else { continue }
            Issue.record("\(number) became \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test(arguments: [
        ("", 0, 3, nil, 0), ("x1", 0, 3, nil, 0), ("12", 0, 3, 12, 2), ("12.3", 0, 3, 12, 2), ("12.3", 3, 3, 3, 4),
        ("1234", 0, 3, 123, 3), ("007", 0, 3, 7, 3), ("-1", 0, 3, nil, 0), ("1", 1, 3, nil, 1),
        ("999999999999999999", 0, 18, 999_999_999_999_999_999, 18),
    ])
    func reading(_ text: String, _ start: Int, _ limit: Int, _ number: Int?, _ end: Int) {
        var index = start
        let bytes = Array(text.utf8)
        let found = bytes.span.decimal(at: &index, atMost: limit)
        #expect(found == number)
        #expect(index == end)
    }

    @Test func hexadecimalDigits() {
        for value: UInt8 in 0..<16 {
            let digit = String(value, radix: 16)
            #expect(UInt8(hexadecimalDigitOf: value) == digit.utf8.first)
            #expect(digit.utf8.first?.hexadecimalValue == value)
            #expect(digit.uppercased().utf8.first?.hexadecimalValue == value)
        }
        #expect((0...UInt8.max).count { $0.hexadecimalValue != nil } == 22)
    }

    @Test(arguments: [
        ("", []), ("00", [0]), ("0aff", [0x0a, 0xff]), ("0AfF", [0x0a, 0xff]), ("0", nil), ("000", nil), ("0g", nil),
        ("g0", nil), (" 0", nil), ("é", nil),
    ])
    func bytes(_ text: String, _ bytes: [UInt8]?) {
        #expect([UInt8](hexadecimal: text.utf8) == bytes)
    }

    @Test func thereAndBack() {
        let all = Array(0...UInt8.max)
        let text = String(hexadecimal: all)
        #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff") && text.utf8.count == 512)
        #expect([UInt8](hexadecimal: text.utf8) == all)
    }
}
