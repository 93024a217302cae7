import NIOCore
import Testing

@testable import Server

@Suite("The lines of the control socket")
struct ControlLinesTests {
    private struct Reading: Equatable {
        var lines: [String] = []
        var isTooLong = false

        init(_ lines: [String], isTooLong: Bool = false) {
            (self.lines, self.isTooLong) = (lines, isTooLong)
        }

        /// What comes in these pieces, where a line has eight bytes at most.
        init(of pieces: [String]) {
            var stream = ControlLines(limit: 8)
            do throws(ControlLines.TooLong) {
                for piece in pieces {
                    var piece = ByteBuffer(string: piece)
                    stream.add(&piece)
                    while let line = try stream.next() { lines.append(String(buffer: line)) }
                }
            } catch {
                isTooLong = true
            }
        }
    }

    @Test(
        "a line is the same in whatever pieces it comes, and too long whether its end has come or not",
        arguments: [
            ("", Reading([])), ("\n", Reading([""])), ("a\nbc\n\nd", Reading(["a", "bc", ""])),
            ("1234567\n", Reading(["1234567"])), ("12345678\n", Reading([], isTooLong: true)),
            ("12345678", Reading([], isTooLong: true)), ("1234567", Reading([])),
            ("a\n123456789\nb\n", Reading(["a"], isTooLong: true)), ("a\r\n", Reading(["a\r"])),
        ])
    private func pieces(text: String, expected: Reading) {
        #expect(Reading(of: [text]) == expected)
        #expect(Reading(of: text.unicodeScalars.map { String($0) }) == expected)
        for cut in text.indices {
            #expect(
                Reading(of: [String(text[..<cut]), String(text[cut...])]) == expected, "cut before \(text[cut...])")
        }
    }
}
