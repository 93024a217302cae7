import JSONText
import TestSupport
import Testing

@testable import Web

extension Page {
    /// A reply's body as text, with the status that is expected of it.
    func text(
        _ path: String, query: String? = nil, isAuthorized: Bool = true, status: Int = 200
    ) async throws -> String {
        let target = try #require(RequestTarget("\(path)?\(query ?? "")"))
        guard let reply = await reply(to: path, search: target.query["q"] ?? "", isAuthorized: isAuthorized) else {
            throw TestError("\(path): not found")
        }
        guard reply.status == status else { throw TestError("\(path): status \(reply.status)") }
        return String(decoding: reply.body, as: UTF8.self)
    }

    /// A reply's body as JSON.
    func json(
        _ path: String, query: String? = nil, isAuthorized: Bool = true, status: Int = 200
    ) async throws -> JSONValue {
        try JSONParser.parse(
            Array(try await text(path, query: query, isAuthorized: isAuthorized, status: status).utf8)
        ).value
    }
}

/// What is in an HTML document: tags and texts, one after the other.
struct PageMarkup {
    /// The tags as they are written, without the values of their attributes.
    private(set) var tags: [String] = []
    /// The values of all attributes.
    private(set) var values: [String] = []
    /// The texts between tags that aren't blank, with their escapes.
    private(set) var texts: [String] = []

    /// Takes a document apart.
    ///
    /// Ours are simple: each `<` begins a tag, each value is in double quotation marks.
    init(_ document: String) throws {
        for piece in document.split(separator: "<", omittingEmptySubsequences: true) {
            var tag = ""
            var value: String?
            var rest = piece[...]
            while let character = rest.popFirst() {
                if character == "\"" {
                    if let value { values.append(value) }
                    value = value == nil ? "" : nil
                } else if value != nil {
                    value?.append(character)
                } else if character == ">" {
                    break
                } else {
                    tag.append(character)
                }
            }
            guard value == nil else { throw TestError("a value doesn't end: \(piece)") }
            tags.append(tag)
            if !rest.allSatisfy(\.isWhitespace) { texts.append(String(rest)) }
        }
    }
}
