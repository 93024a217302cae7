import Bytes

/// What the first line of a request asks for: `/path?name=value`, or the same behind `http://host`.
struct RequestTarget: Equatable {
    /// How many parameters there may be.
    static let parameters = 32

    /// The host of a whole URL, not looked at; nil where only the path was given.
    private(set) var authority: String?
    /// The path, percent-decoded.
    let path: String
    /// The parameters, percent-decoded, with a blank for a plus sign, as forms write it.
    let query: [String: String]

    /// Nil where it is anything else, where bytes are encoded badly or aren't UTF-8, and where a parameter comes twice.
    init?(_ target: String) {
        var rest = Array(target.utf8)[...]
        // A fragment is the browser's own business, and never sent.
        guard rest.allSatisfy({ $0.isPrintable && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "#") }) else {
            return nil
        }
        let scheme = "http://".utf8
        if rest.prefix(scheme.count).map(\.lowercased).elementsEqual(scheme) {
            rest = rest.dropFirst(scheme.count)
            let host = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            authority = String(decoding: host, as: UTF8.self)
            rest = rest.dropFirst(host.count)
            // RFC 9110, 4.2.3: an empty path is that of the root.
            if rest.first != UInt8(ascii: "/") { rest = [UInt8(ascii: "/")] + rest }
        }
        guard rest.first == UInt8(ascii: "/") else { return nil }
        let parts = rest.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = String(percentEncoded: parts[0]), !path.unicodeScalars.contains(where: \.isControl),
            let query = Self.parameters(of: parts.count > 1 ? parts[1] : [])
        else { return nil }
        self.path = path
        self.query = query
    }

    private static func parameters(of text: ArraySlice<UInt8>) -> [String: String]? {
        let pairs = text.split(separator: UInt8(ascii: "&"))
        guard pairs.count <= parameters else { return nil }
        var found: [String: String] = [:]
        for pair in pairs {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                .map { part in part.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 } }
            guard let name = String(percentEncoded: parts[0]),
                let value = String(percentEncoded: parts.count > 1 ? parts[1] : []),
                found.updateValue(value, forKey: name) == nil
            else { return nil }
        }
        return found
    }
}

extension String {
    /// The UTF-8 that is written so, with two hexadecimal digits behind a percent sign for a byte; nil where it isn't.
    fileprivate init?(percentEncoded text: some Collection<UInt8>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next()?.hexadecimalValue, let low = rest.next()?.hexadecimalValue else {
                    return nil
                }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(byte)
            }
        }
        self.init(validating: bytes, as: UTF8.self)
    }
}

extension Unicode.Scalar {
    /// Whether it is a control character of ASCII.
    fileprivate var isControl: Bool { value < 0x20 || value == 0x7f }
}
