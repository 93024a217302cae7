import JSONText

/// Writes HTML.
///
/// Markup can only come from the program itself: it is a `StaticString`. Everything else is text, and inert: what means
/// something to HTML is escaped, and control characters, invisible ones and those that turn the direction of writing are
/// shown as `\u202e`.
struct PageHTML {
    /// What was written, in UTF-8.
    private(set) var bytes: [UInt8] = []

    /// Appends markup of ours.
    mutating func markup(_ markup: StaticString) {
        markup.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends text.
    mutating func text(_ text: String) {
        for byte in visible(text).utf8 {
            switch byte {
            case UInt8(ascii: "&"): markup("&amp;")
            case UInt8(ascii: "<"): markup("&lt;")
            case UInt8(ascii: ">"): markup("&gt;")
            case UInt8(ascii: "\""): markup("&quot;")
            case UInt8(ascii: "'"): markup("&#39;")
            default: bytes.append(byte)
            }
        }
    }

    /// Appends an element with attributes and content.
    mutating func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:],
        _ content: (inout PageHTML) -> Void = { _ in }
    ) {
        start(name, attributes)
        content(&self)
        markup("</")
        markup(name)
        markup(">")
    }

    /// Appends an element whose content is that text.
    mutating func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], text content: String
    ) {
        element(name, attributes) { $0.text(content) }
    }

    /// Appends the tag with which an element starts; such as `input` have no more than that.
    mutating func start(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]) {
        markup("<")
        markup(name)
        for (name, value) in attributes {
            markup(" ")
            markup(name)
            markup("=\"")
            text(value)
            markup("\"")
        }
        markup(">")
    }
}

extension PageHTML {
    /// How many characters of a text are shown before it is cut.
    static let shortText = 60
    /// How many are shown at all.
    static let longestText = 4_096

    /// Appends what a sender wrote: kept apart from the text around it, and cut in its middle where it is long.
    ///
    /// All of it, up to ``longestText``, unfolds from what is left.
    mutating func foreign(_ text: String) {
        let shown = visible(text)
        guard shown.unicodeScalars.count > Self.shortText else {
            breakable(shown)
            return
        }
        element("details", ["class": "long"]) { html in
            html.element("summary") { $0.breakable(shown.cutInMiddle) }
            html.element("bdi", text: shown)
        }
    }

    /// Appends a text in which there is something that a sender wrote: kept apart, but not cut.
    mutating func prose(_ text: String) {
        element("bdi", text: visible(text))
    }

    /// Appends a name or an address: a new line begins behind `@` if need be, and else before a point.
    private mutating func breakable(_ text: String) {
        let scalars = text.unicodeScalars
        let domain = scalars.lastIndex(of: "@").map { scalars.index(after: $0) } ?? scalars.startIndex
        element("bdi") { html in
            html.breakableParts(scalars[..<domain])
            guard domain > scalars.startIndex else { return html.breakableParts(scalars[domain...]) }
            html.element("span", ["class": "domain"]) { $0.breakableParts(scalars[domain...]) }
        }
    }

    private mutating func breakableParts(_ scalars: Substring.UnicodeScalarView) {
        var part = Substring.UnicodeScalarView()
        for scalar in scalars {
            if scalar == ".", !part.isEmpty {
                text(String(part))
                markup("<wbr>")
                part.removeAll()
            }
            part.append(scalar)
        }
        text(String(part))
    }

    /// Appends an address: a link that searches for it where it can be typed; `<>` where it is empty.
    mutating func address(_ address: String) {
        let shown = visible(address)
        guard !address.isEmpty else {
            element("span", ["class": "null", "title": "null sender: a bounce"], text: "<>")
            return
        }
        guard shown.unicodeScalars.count <= Self.shortText, !shown.utf8.contains(UInt8(ascii: "\\")) else {
            foreign(address)
            return
        }
        element("a", ["href": "/?q=\(shown.percentEncoded)"]) { $0.breakable(shown) }
    }

    /// Appends a moment: how far it is from now, and below it when that is.
    mutating func moment(_ time: Int64, _ words: String) {
        element("span", ["class": "main"], text: words)
        element("time", ["class": "sub", "datetime": time.iso8601], text: String(time.dateAndSecond.dropLast(3)))
    }
}
