import JSONText
import SystemPackage

/// A source of whitelist entries, by its URL.
public enum WhitelistSource: Sendable, Hashable {
    /// Makes sources of URLs that name no file; nil for those of another kind.
    public typealias RemoteSources = (String) throws(WhitelistError) -> RemoteSource?

    /// These files.
    case documents([WhitelistDocument])
    /// All files in a directory, and those of the vendor's directory that it doesn't mask.
    case directory(path: String, vendor: String?)

    /// Reads `file:///path`, `postgrey-clients:///path`, `postgrey-recipients:///path`, `cidr:///path` or `dir:///path`.
    ///
    /// What is in a directory may be followed by `?vendor=/path`.
    ///
    /// - Parameters:
    ///   - foreign: lists of other programs that are read, too
    ///   - remote: the source that any other URL names; nil for none
    public init(_ url: String, foreign: [ForeignList] = [], remote: RemoteSources) throws(WhitelistError) {
        if let source = try remote(url) {
            self = .documents([WhitelistDocument(.remote(source), path: source.name)])
            return
        }
        guard let colon = url.firstIndex(of: ":") else {
            throw WhitelistError("\(shortened(url)) is no URL (such as file:///etc/tprt/whitelist.json)")
        }
        let scheme = String(url[..<colon])
        let list = foreign.first { $0.scheme == scheme }
        guard Self.schemes.contains(scheme) || list != nil else {
            if ForeignList.schemes.contains(scheme) {
                throw WhitelistError(
                    "\(scheme): is another program's list, which isn't read as it is: make a file of it with "
                        + "\"tprtctl whitelist export \(scheme):///path --output FILE\"")
            }
            // What follows another scheme may hold a password.
            throw WhitelistError(
                "whitelists in \(shortened(scheme + ":")) can't be read: this version reads "
                    + Self.schemes.map { "\($0):///path" }.joined(separator: ", ") + ", redis://host/0 and the like")
        }
        let rest = url[url.index(after: colon)...]
        guard rest.hasPrefix("///"), rest.utf8.count > 3 else {
            throw WhitelistError("\(shortened(url)) names no file (\(scheme):// is followed by an absolute path)")
        }
        let path = String(rest.dropFirst(2))
        if scheme == "dir" {
            self = try Self.directory(path, url)
            return
        }
        guard !path.hasSuffix("/") else {
            throw WhitelistError("\(shortened(url)) names no file (dir:// is for a directory of files)")
        }
        switch scheme {
        case "file": self = .documents([WhitelistDocument(.json, path: path)])
        case "cidr": self = .documents([WhitelistDocument(.cidr, path: path)])
        case "postgrey-clients": self = .documents(Self.withLocal(.postgreyClients, path))
        case "postgrey-recipients": self = .documents(Self.withLocal(.postgreyRecipients, path))
        default: self = .documents(list.map { [WhitelistDocument(.foreign($0), path: path)] } ?? [])
        }
    }

    private static let schemes = ["file", "dir", "postgrey-clients", "postgrey-recipients", "cidr"]

    /// The administrator's own list stands beside postgrey's and may be missing.
    private static func withLocal(_ form: WhitelistDocument.Form, _ path: String) -> [WhitelistDocument] {
        [WhitelistDocument(form, path: path), WhitelistDocument(form, path: path + ".local", isOptional: true)]
    }

    private static func directory(_ rest: String, _ url: String) throws(WhitelistError) -> WhitelistSource {
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return .directory(path: parts[0], vendor: nil) }
        guard parts[1].hasPrefix("vendor=/") else {
            throw WhitelistError("\(shortened(url)): the only option of a directory is vendor=/path")
        }
        return .directory(path: parts[0], vendor: String(parts[1].dropFirst(7)))
    }

    /// What it is called in messages.
    var name: String {
        switch self {
        case .documents(let documents): bareOrQuoted(documents.first?.path ?? "")
        case .directory(let path, _): bareOrQuoted(path)
        }
    }

    /// The directories that are looked into.
    var directories: [String] {
        switch self {
        case .documents: []
        case .directory(let path, let vendor): [path] + (vendor.map { [$0] } ?? [])
        }
    }

    /// The files of the source as they are now.
    public func documents(through access: FileAccess = .direct) throws(WhitelistError) -> [WhitelistDocument] {
        switch self {
        case .documents(let documents): return documents
        case .directory(let path, let vendor):
            do {
                return try WhitelistDirectory(path: path, vendor: vendor).documents(through: access)
            } catch {
                throw WhitelistError("\(bareOrQuoted(path)): \(error.message)")
            }
        }
    }
}

/// A directory of whitelist files, and the vendor's directory whose files of the same name it masks.
///
/// Files are read in the order of their names: `NAME.json`, `NAME.clients` and `NAME.recipients` (postgrey's forms), and
/// `NAME.cidr` (cidr_table(5)). All others, such as those that editors and packages leave behind, are none. An empty file masks a vendor's one, too.
struct WhitelistDirectory: Hashable {
    let path: String
    let vendor: String?

    private static let forms: [(suffix: String, form: WhitelistDocument.Form)] = [
        (".json", .json), (".clients", .postgreyClients), (".recipients", .postgreyRecipients), (".cidr", .cidr),
    ]

    /// The files that count, in their order; the vendor's directory may be missing.
    func documents(through access: FileAccess) throws(FileReadError) -> [WhitelistDocument] {
        var found: [String: WhitelistDocument] = [:]
        if let vendor { add(try names(in: vendor, mayBeMissing: true, access), of: vendor, to: &found) }
        add(try names(in: path, access), of: path, to: &found)
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    private func add(_ names: [String], of directory: String, to found: inout [String: WhitelistDocument]) {
        for name in names where !name.hasPrefix(".") {
            guard let form = Self.forms.first(where: { name.hasSuffix($0.suffix) })?.form else { continue }
            found[name] = WhitelistDocument(form, path: "\(directory)/\(name)")
        }
    }

    private func names(
        in directory: String, mayBeMissing: Bool = false, _ access: FileAccess
    ) throws(FileReadError) -> [String] {
        do throws(FileAccess.SystemError) {
            return try access.names(directory)
        } catch {
            switch error.code {
            case .noSuchFileOrDirectory where mayBeMissing: return []
            case .noSuchFileOrDirectory: throw FileReadError("directory does not exist")
            case .notDirectory: throw FileReadError("it is not a directory")
            case let code: throw FileReadError(code: code)
            }
        }
    }
}

/// What a site allows in whitelists.
public struct SourceOptions: Sendable {
    /// Whether regular expressions are honoured.
    public var allowsPatterns: Bool
    /// Whether entries that let nearly everybody through are taken without a word.
    public var allowsWide: Bool
    /// The public suffixes that are known; no part of what a site allows.
    var suffixes = PublicSuffixes()

    /// The options of a fresh installation: neither.
    public init(allowsPatterns: Bool = false, allowsWide: Bool = false) {
        self.allowsPatterns = allowsPatterns
        self.allowsWide = allowsWide
    }
}

extension SourceOptions: Equatable {
    /// Whether both allow the same.
    public static func == (one: Self, other: Self) -> Bool {
        one.allowsPatterns == other.allowsPatterns && one.allowsWide == other.allowsWide
    }

    /// The same, with the public suffixes that this machine knows; reads a file.
    public func knowingSuffixes(through access: FileAccess = .direct) -> SourceOptions {
        var options = self
        options.suffixes = PublicSuffixes.installed(through: access)
        return options
    }
}
