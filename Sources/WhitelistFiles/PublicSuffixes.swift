import Whitelists

/// The public suffixes, such as `co.uk`, below which anybody may register a name.
///
/// They come from the list that Debian's package `publicsuffix` installs; without it none is known.
struct PublicSuffixes: Sendable {
    /// Where the package has the list.
    static let path = "/usr/share/publicsuffix/public_suffix_list.dat"
    /// The list has a third of a mebibyte.
    private static let limit = 8 << 20

    private var names: Set<String> = []
    /// What stands behind `*.`: each name directly below is a suffix.
    private var parents: Set<String> = []
    private var exceptions: Set<String> = []

    /// None.
    init() {}

    /// Those of the list, which has a rule a line (https://publicsuffix.org/list/).
    init(text: [UInt8]) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let rule = line.prefix { $0 > 0x20 }
            guard !rule.isEmpty, !rule.starts(with: Array("//".utf8)) else { continue }
            let name = String(decoding: rule, as: UTF8.self)
            if name.hasPrefix("*.") {
                parents.insert(String(name.dropFirst(2)))
            } else if name.hasPrefix("!") {
                exceptions.insert(String(name.dropFirst()))
            } else {
                names.insert(name)
            }
        }
    }

    /// Those that this machine knows; none where the list isn't there or can't be read.
    static func installed(through access: FileAccess) -> PublicSuffixes {
        let text = try? WhitelistFiles.contents(of: path, limit: limit, through: access)
        return text.map(PublicSuffixes.init) ?? PublicSuffixes()
    }

    /// Whether none is known.
    var isEmpty: Bool { names.isEmpty && parents.isEmpty }

    /// Whether a domain is one.
    func contain(_ domain: Domain) -> Bool {
        domain.spellings.contains { name in
            if names.contains(name) { return true }
            guard let dot = name.firstIndex(of: ".") else { return false }
            return parents.contains(String(name[name.index(after: dot)...])) && !exceptions.contains(name)
        }
    }
}
