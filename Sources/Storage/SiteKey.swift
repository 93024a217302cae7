import Bytes
import Crypto

/// The secret of a site, under which the keys of its entries are made with `privacy: "keyed"`.
///
/// Whoever hasn't got it can't find out by trying which addresses a digest was made of. It is never printed: what describes
/// it says that it is hidden.
public struct SiteKey: Sendable {
    /// How many bytes it has.
    public static let size = 32

    private let secret: [UInt8]
    /// HMAC-SHA-256 with the key taken in: for each digest its state is copied.
    private let authenticator: HMAC<SHA256>

    /// The key with these bytes; nil where they aren't as many as one has.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.init(secret: bytes)
    }

    private init(secret: [UInt8]) {
        self.secret = secret
        authenticator = HMAC<SHA256>(key: SymmetricKey(data: secret))
    }

    /// A key that nobody has yet.
    public static func random() -> SiteKey { SiteKey(secret: randomSecret()) }

    /// As many random bytes.
    static func randomSecret() -> [UInt8] { SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) } }

    /// The first 160 bits of the text's HMAC-SHA-256.
    public func digest(of text: Span<UInt8>) -> Digest {
        guard
            let digest = code(of: text).withUnsafeBytes({
                Digest(bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(Digest.size)))
            })
        else { preconditionFailure("SHA-256 made a code that hasn't 20 bytes") }
        return digest
    }

    /// Another secret for another purpose, from which this one can't be found out.
    public func secret(for purpose: Purpose) -> [UInt8] {
        // No key of an entry begins so.
        code(of: Array("tprt \(purpose.rawValue)".utf8).span).withUnsafeBytes { Array($0) }
    }

    private func code(of text: Span<UInt8>) -> HMAC<SHA256>.MAC {
        var authenticator = authenticator
        text.withUnsafeBytes { authenticator.update(data: $0) }
        return authenticator.finalize()
    }

    /// What another secret is for.
    public enum Purpose: String, Sendable {
        /// The digests of addresses in the history and in the log.
        case addresses
        /// The mark by which keys are told apart.
        case mark
    }

    /// Eight digits by which it is told from another one, and that say nothing of it.
    public var mark: String { String(hexadecimal: secret(for: .mark).prefix(4)) }
}

extension SiteKey: Equatable {
    /// Whether both are the same.
    public static func == (left: SiteKey, right: SiteKey) -> Bool { left.secret == right.secret }
}

extension SiteKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// That there is one.
    public var description: String { "hidden" }
    /// Likewise.
    public var debugDescription: String { description }
    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The keys of a site: that by which entries are written, and one more by which they are looked up.
public struct SiteKeys: Sendable, Equatable {
    /// What the second one is.
    public enum Role: String, Sendable, CaseIterable {
        /// The one that was current before.
        case former
        /// The one that will be: servers that share a database learn it before any of them writes by it.
        case next
    }

    /// By which entries are written.
    public let current: SiteKey
    /// By which they are looked up, too; nil where there is none.
    public let other: (key: SiteKey, role: Role)?

    /// These keys.
    public init(current: SiteKey, other: (key: SiteKey, role: Role)? = nil) {
        self.current = current
        self.other = other
    }

    /// Whether both are the same.
    public static func == (left: SiteKeys, right: SiteKeys) -> Bool {
        left.current == right.current && left.other?.key == right.other?.key && left.other?.role == right.other?.role
    }

    /// All of them, the current one first.
    public var all: [SiteKey] { [current] + (other.map { [$0.key] } ?? []) }

    /// The keys after a rotation: the next one, or else a new one, is current, and the one that was is the former.
    public var rotated: SiteKeys {
        let next = if let other, other.role == .next { other.key } else { SiteKey.random() }
        return SiteKeys(current: next, other: (current, .former))
    }

    /// The keys before a rotation: a new one is the next; a former one goes.
    public var prepared: SiteKeys { SiteKeys(current: current, other: (.random(), .next)) }
}

/// The text of the file that has them.
extension SiteKeys {
    /// How many bytes it may have.
    public static let textLimit = 4_096

    /// Why a text can't be read; it quotes nothing of it.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        /// One line.
        public let description: String
    }

    /// Reads lines `current` and perhaps `former` or `next`, each with a key in hexadecimal digits; `#` begins a comment.
    public init(text: [UInt8]) throws(ParseError) {
        var current: SiteKey?
        var other: (key: SiteKey, role: Role)?
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
            guard let name = words.first, name.first != UInt8(ascii: "#") else { continue }
            guard words.count == 2, let bytes = [UInt8](hexadecimal: words[1]), let key = SiteKey(bytes) else {
                throw ParseError(
                    description: "line \(index + 1): expected current, former or next, and \(2 * SiteKey.size) "
                        + "hexadecimal digits")
            }
            let role = Role(rawValue: String(decoding: name, as: UTF8.self))
            if let role, other == nil {
                other = (key, role)
            } else if role == nil, name.elementsEqual("current".utf8), current == nil {
                current = key
            } else {
                throw ParseError(
                    description: "line \(index + 1): expected one current key, and at most one that is former or next")
            }
        }
        guard let current else { throw ParseError(description: "it has no current key") }
        self.init(current: current, other: other)
    }

    /// The text that is read so.
    public var text: [UInt8] {
        var lines = [
            "# The secret by which tprtd makes the keys of its entries. Servers that share a database need the same file.",
            "# Keep it from others; tprtctl privacy rotate replaces it.", "current \(current.digits)",
        ]
        if let other { lines.append("\(other.role.rawValue) \(other.key.digits)") }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}

extension SiteKey {
    fileprivate var digits: String { String(hexadecimal: secret) }
}
