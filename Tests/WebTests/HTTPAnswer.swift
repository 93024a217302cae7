import Foundation

/// A response as a client reads it.
struct HTTPAnswer: Equatable {
    let status: Int
    /// With names in lower case, in their order.
    let fields: [[String]]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The values of a header.
    func values(_ name: String) -> [String] { fields.filter { $0[0] == name.lowercased() }.map { $0[1] } }

    /// Takes one off the front of what was received; nil where it isn't whole.
    ///
    /// - Parameter hasBody: whether a body follows, as to anything but HEAD
    init?(from bytes: inout [UInt8], hasBody: Bool = true) {
        guard let end = Data(bytes).range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else { return nil }
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return [parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces)]
        }
        guard let length = fields.first(where: { $0[0] == "content-length" }).flatMap({ Int($0[1]) }) else {
            return nil
        }
        let rest = bytes[end.upperBound...]
        let size = hasBody ? length : 0
        guard rest.count >= size else { return nil }
        self.status = status
        self.fields = fields
        body = Array(rest.prefix(size))
        bytes = Array(rest.dropFirst(size))
    }
}
