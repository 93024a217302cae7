import Bytes

/// A file that names shared and tenant identities, one a line.
///
///     shared gmail.com          # 2026-11-29 free mail: https://…
///     tenant onmicrosoft.com    # 2026-11-29 a name for each customer: https://…
///     !example.org
///
/// A `#` and what follows it is a comment. `!DOMAIN` takes the entry of that domain out, which an earlier file has.
public struct SharedIdentityFile: Sendable {
    /// The most bytes that a file may have.
    public static let sizeLimit = 1 << 20
    /// How many faults are told; the others are counted.
    private static let mostFaults = 100

    /// What an entry says of its domain.
    public enum Kind: String, Sendable, Hashable {
        /// Senders that have nothing to do with each other have it in common.
        case shared
        /// Names directly below it are organisations of their own.
        case tenant
    }

    /// An entry, or the removal of one.
    struct Line: Sendable {
        /// Nil where it takes an entry out.
        let kind: Kind?
        /// In lower case and A-labels.
        let domain: [UInt8]
        /// What is said of it, without the `#`.
        let comment: String
        let number: Int
    }

    /// Where it was read from.
    public let path: String
    /// What is wrong with lines, a sentence each, with the file and the line; the others are in force.
    public let faults: [String]
    let lines: [Line]

    /// How many entries it has; removals count, too.
    public var count: Int { lines.count }

    /// A file without entries.
    public init(path: String) {
        self.path = path
        faults = []
        lines = []
    }

    /// Reads a text; lines that can't be read are left out, and `faults` says why.
    public init(path: String, text: [UInt8]) {
        self.path = path
        var (lines, faults, more): ([Line], [String], Int) = ([], [], 0)
        var seen: [[UInt8]: Int] = [:]
        let start = text.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        let contents = text[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, content) in contents.enumerated() {
            do throws(LineError) {
                guard let line = try Line(content, number: index + 1) else { continue }
                if let first = seen.updateValue(line.number, forKey: line.domain) {
                    throw LineError("\(text: line.domain) is named twice, in line \(first) first (remove one of them)")
                }
                lines.append(line)
            } catch {
                guard faults.count < Self.mostFaults else {
                    more += 1
                    continue
                }
                faults.append("\(path):\(index + 1): \(error.message)")
            }
        }
        if more > 0 { faults.append("\(path): and \(more) more") }
        self.lines = lines
        self.faults = faults
    }
}

extension SharedIdentityFile {
    /// What a reading brought.
    public enum Reload: Sendable {
        /// What the file holds now.
        case replaced(SharedIdentityFile)
        /// What was read before stays; why, in a sentence.
        case kept(String)
    }

    /// What takes the place of this reading.
    ///
    /// A file that can't be read, is HTML, or has lost more than half of its entries changes nothing.
    ///
    /// - Parameters:
    ///   - text: what the file holds; nil where it can't be read
    ///   - acceptsShrunk: whether one that has lost more than half of its entries is taken, too
    public func reloaded(from text: [UInt8]?, acceptingShrunk acceptsShrunk: Bool = false) -> Reload {
        guard let text else { return kept("file is missing or can't be read") }
        guard text.first(where: { $0 > 0x20 }) != UInt8(ascii: "<") else {
            return kept("file is HTML, not a list of identities (\(LineError.form))")
        }
        let file = SharedIdentityFile(path: path, text: text)
        guard acceptsShrunk || file.count * 2 >= count else {
            return kept("it has \(file.count) entries, and had \(count): more than half are gone")
        }
        return .replaced(file)
    }

    private func kept(_ reason: String) -> Reload {
        let consequence =
            switch count {
            case 0: "it counts as empty"
            case 1: "its last good reading stays (1 entry)"
            default: "its last good reading stays (\(count) entries)"
            }
        return .kept("identities \(path): \(reason); \(consequence)")
    }
}

/// What is wrong with a line.
private struct LineError: Error {
    static let form = "expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\""
    let message: String

    init(_ message: String) { self.message = message }
}

extension SharedIdentityFile.Line {
    /// Reads a line; nil where it says nothing.
    fileprivate init?(_ content: ArraySlice<UInt8>, number: Int) throws(LineError) {
        let hash = content.firstIndex(of: UInt8(ascii: "#")) ?? content.endIndex
        let words = content[..<hash].split { $0 <= 0x20 }
        guard let first = words.first else { return nil }
        var names = words.dropFirst()
        if first.first == UInt8(ascii: "!") {
            kind = nil
            if first.count > 1 { names = [first.dropFirst()] + names }
        } else {
            guard let kind = SharedIdentityFile.Kind(rawValue: String(decoding: first, as: UTF8.self)) else {
                throw LineError("unknown word \(quoted: first) (\(LineError.form))")
            }
            self.kind = kind
        }
        guard let name = names.first else { throw LineError("the domain is missing (\(LineError.form))") }
        guard names.count == 1 else {
            throw LineError("there is more than one domain (\(LineError.form), and # before a comment)")
        }
        var text: [UInt8] = []
        switch DomainName(appending: name.span, to: &text)?.kind {
        case .qualified: domain = text
        case .single: throw LineError("\(quoted: name) is a top-level domain, which is not an organisation")
        case .literal, nil: throw LineError("\(quoted: name) is not a domain (letters, digits, - and dots)")
        }
        let said = content[hash...].dropFirst()
        let start = said.firstIndex { $0 > 0x20 } ?? said.endIndex
        let end = said.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? start
        comment = String(decoding: said[start..<end], as: UTF8.self)
        self.number = number
    }
}

extension DefaultStringInterpolation {
    /// Appends bytes as UTF-8.
    fileprivate mutating func appendInterpolation(text bytes: [UInt8]) {
        appendInterpolation(String(decoding: bytes, as: UTF8.self))
    }

    /// Appends what may be anything: quoted, cut after 60 bytes, with a `?` for what isn't printable.
    fileprivate mutating func appendInterpolation(quoted bytes: ArraySlice<UInt8>) {
        let shown = bytes.prefix(60).map { $0.isPrintable ? $0 : UInt8(ascii: "?") }
        appendInterpolation("\"\(String(decoding: shown, as: UTF8.self))\(bytes.count > 60 ? "..." : "")\"")
    }
}
