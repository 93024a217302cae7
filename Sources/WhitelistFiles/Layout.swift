import JSONText

/// Where in a text its lists and their entries stand, and what to change there when an entry comes or goes.
struct Layout: Sendable {
    /// What stands between two brackets.
    struct Group: Sendable {
        /// Where the bracket is that opens it.
        var open: Int
        /// Where the one is that closes it.
        var close: Int
        /// The bytes of its elements.
        var elements: [Range<Int>]
    }

    /// A member of the whole object.
    struct Member: Sendable {
        let key: String
        /// Nil where it is no list.
        let array: Group?
    }

    /// A text that takes the place of others.
    struct Change {
        let range: Range<Int>
        let text: String
    }

    private let bytes: [UInt8]
    private(set) var root: Group
    private(set) var members: [Member] = []

    init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        var parser = try JSONParser(bytes)
        guard parser.isAtObject else {
            throw JSONError(line: 1, column: 1, message: "it is not an object of lists")
        }
        var (root, members) = (Group(open: parser.offset, close: 0, elements: []), [Member]())
        var start = root.open + 1
        try parser.forEachMember { (parser, key, _) throws(JSONError) in
            var array: Group?
            if parser.isAtArray {
                let open = parser.offset
                let elements = try parser.elementRanges()
                array = Group(open: open, close: parser.offset - 1, elements: elements)
            } else {
                _ = try parser.value()
            }
            members.append(Member(key: key, array: array))
            let key = try JSONParser.endOfBlanks(in: bytes, from: start)
            root.elements.append(key..<parser.offset)
            // Behind the comma, if there is one.
            start = try JSONParser.endOfBlanks(in: bytes, from: parser.offset) + 1
        }
        root.close = parser.offset - 1
        try parser.end()
        self.root = root
        self.members = members
    }

    // MARK: An entry that comes

    /// Puts an element into a group: first, or behind all others.
    func insertion(of text: String, into group: Group, isFirst: Bool) throws(JSONError) -> [Change] {
        guard let first = group.elements.first, let last = group.elements.last else {
            return insertion(of: text, intoEmpty: group)
        }
        if isFirst { return [insertion(of: text, before: first, in: group)] }
        let comma = try comma(after: last)
        let end = endOfText(before: group.close, from: comma.map { $0 + 1 } ?? last.upperBound)
        let indent = [last, first].first { isFirstOnLine($0.lowerBound) }.map { self.indent(of: $0.lowerBound) }
        let separator =
            hasNewline(end..<group.close) ? newline + (indent ?? self.indent(of: group.open) + unit) : " "
        let behind = Change(range: end..<end, text: separator + text + (comma == nil ? "" : ","))
        guard comma == nil else { return [behind] }
        guard end > last.upperBound else { return [Change(range: end..<end, text: "," + behind.text)] }
        return [Change(range: last.upperBound..<last.upperBound, text: ","), behind]
    }

    private func insertion(of text: String, intoEmpty group: Group) -> [Change] {
        let end = endOfText(before: group.close, from: group.open + 1)
        let outer = indent(of: group.open)
        let inserted = newline + outer + unit + text
        // A comment may stand there, and its line must end.
        if end > group.open + 1, hasNewline(end..<group.close) { return [Change(range: end..<end, text: inserted)] }
        return [Change(range: end..<group.close, text: inserted + newline + outer)]
    }

    private func insertion(of text: String, before first: Range<Int>, in group: Group) -> Change {
        let start = first.lowerBound
        guard isFirstOnLine(start) else { return Change(range: start..<start, text: text + ", ") }
        // What is said behind the bracket is about the list, what is said above the first entry about that.
        let end = endOfLine(group.open)
        let rest = bytes[(group.open + 1)..<end].drop { $0.isBlank }
        let isRemark = rest.isEmpty || rest.starts(with: Array("//".utf8))
        if isRemark, end < start {
            return Change(range: end..<end, text: newline + indent(of: start) + text + ",")
        }
        return Change(range: start..<start, text: text + "," + newline + indent(of: start))
    }

    // MARK: An entry that goes

    /// Takes an element out of a group; comments stay.
    func removal(of number: Int, from group: Group) throws(JSONError) -> [Change] {
        let element = group.elements[number]
        if group.elements.count == 1 {
            let comma = try comma(after: element)
            let rest = bytes[(group.open + 1)..<element.lowerBound] + bytes[element.upperBound..<group.close]
            let commas = rest.count { !$0.isBlank }
            if commas == (comma == nil ? 0 : 1) { return [Change(range: group.open + 1..<group.close, text: "")] }
        }
        if let comma = try comma(after: element) {
            guard bytes[element.upperBound..<comma].allSatisfy(\.isBlank) else {
                return [Change(range: element, text: ""), Change(range: comma..<comma + 1, text: "")]
            }
            return [Change(range: tidied(element.lowerBound..<comma + 1), text: "")]
        }
        guard number > 0, let comma = try comma(after: group.elements[number - 1]) else {
            return [Change(range: tidied(element), text: "")]
        }
        let between = comma + 1..<element.lowerBound
        if bytes[between].allSatisfy(\.isBlank), !hasNewline(between) {
            return [Change(range: comma..<element.upperBound, text: "")]
        }
        return [Change(range: comma..<comma + 1, text: ""), Change(range: tidied(element), text: "")]
    }

    /// The range with its whole line where nothing else is on it, else with the blanks behind it.
    private func tidied(_ range: Range<Int>) -> Range<Int> {
        var end = range.upperBound
        while end < bytes.count, bytes[end] == 0x20 || bytes[end] == 0x09 { end += 1 }
        guard isFirstOnLine(range.lowerBound) else { return range.lowerBound..<end }
        let behind = end
        var isEndOfLine = false
        if end < bytes.count, bytes[end] == 0x0d { end += 1 }
        if end < bytes.count, bytes[end] == 0x0a {
            end += 1
            isEndOfLine = true
        }
        return isEndOfLine ? startOfLine(range.lowerBound)..<end : range.lowerBound..<behind
    }

    // MARK: Lines

    /// How lines end here.
    var newline: String {
        guard let end = bytes.firstIndex(of: 0x0a), end > 0, bytes[end - 1] == 0x0d else { return "\n" }
        return "\r\n"
    }

    /// By how much a level is indented.
    var unit: String {
        let indented = root.elements.first { isFirstOnLine($0.lowerBound) && !indent(of: $0.lowerBound).isEmpty }
        return indented.map { indent(of: $0.lowerBound) } ?? "  "
    }

    /// How far a new member is indented.
    var memberIndent: String {
        guard let last = root.elements.last else { return indent(of: root.open) + unit }
        return indent(of: last.lowerBound)
    }

    private func comma(after element: Range<Int>) throws(JSONError) -> Int? {
        let next = try JSONParser.endOfBlanks(in: bytes, from: element.upperBound)
        return bytes[next] == UInt8(ascii: ",") ? next : nil
    }

    private func startOfLine(_ offset: Int) -> Int {
        (bytes[..<offset].lastIndex(of: 0x0a) ?? -1) + 1
    }

    /// Where the line ends, before its line break.
    private func endOfLine(_ offset: Int) -> Int {
        let end = bytes[offset...].firstIndex(of: 0x0a) ?? bytes.count
        return end > offset && bytes[end - 1] == 0x0d ? end - 1 : end
    }

    private func indent(of offset: Int) -> String {
        let line = bytes[startOfLine(offset)...].prefix { $0 == 0x20 || $0 == 0x09 }
        return String(decoding: line, as: UTF8.self)
    }

    private func isFirstOnLine(_ offset: Int) -> Bool {
        bytes[startOfLine(offset)..<offset].allSatisfy(\.isBlank)
    }

    private func hasNewline(_ range: Range<Int>) -> Bool {
        bytes[range].contains(0x0a)
    }

    /// Where the blanks begin that stand before a bracket.
    private func endOfText(before bracket: Int, from start: Int) -> Int {
        var end = bracket
        while end > start, bytes[end - 1].isBlank { end -= 1 }
        return end
    }
}

extension UInt8 {
    /// Whether it is a blank or ends a line.
    var isBlank: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
}
