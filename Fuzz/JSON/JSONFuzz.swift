@testable import JSONText

/// JSON with comments and whatever else people write.
///
/// A value that is written is read back, on one line; an error names a place in the text. The text itself as a string is read back,
/// and doesn't steer a terminal.
@Sendable func checkJSON(_ input: [UInt8]) throws(BrokenPromise) {
    let text = String(decoding: input, as: UTF8.self)
    try checkQuoting(of: text)
    let node: JSONNode
    do throws(JSONError) {
        node = try JSONParser.parse(input)
    } catch {
        let lineCount = lines(of: input).count
        try expect(
            (1...lineCount).contains(error.line) && error.column >= 1, "a fault at \(error.line):\(error.column)")
        return try checkLine("\(error) \(error.remedy ?? "")")
    }
    try checkLine(node.text)
    try checkLine(node.value.found)
    let again = try? JSONParser.parse(Array(node.text.utf8))
    try expect(again?.text == node.text, "\(node.text) is read back as \(again?.text ?? "nothing")")
    let value = try? JSONParser.parse(Array(node.value.text.utf8)).value
    try expect(value == node.value, "\(node.value.text) is read back as \(value?.text ?? "nothing")")
}

private func checkQuoting(of text: String) throws(BrokenPromise) {
    try checkLine(quoted(text))
    let node = try? JSONParser.parse(Array(quoted(text).utf8))
    guard case .scalar(.string(let read))? = node?.content else {
        throw BrokenPromise(description: "\(quoted(text)) is no text")
    }
    try expect(read.utf8.elementsEqual(text.utf8), "\(quoted(text)) is read back otherwise")
    try checkLine(shortened(text))
    try expect(shortened(text).unicodeScalars.count <= 80 * 12 + 5, "not shortened: \(shortened(text))")
    try checkLine(named(text))
    for line in printable(text).split(separator: "\n") { try checkLine(String(line)) }
}

private func checkLine(_ text: String) throws(BrokenPromise) {
    try expect(!text.unicodeScalars.contains(where: breaksLine), "not on one line: \(Array(text.utf8))")
}
