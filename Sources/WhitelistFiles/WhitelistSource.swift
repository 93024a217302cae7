import JSONText

/// A source of whitelist entries, by its URL.
public enum WhitelistSource: Sendable, Hashable {
    /// Makes sources of URLs that name no file; nil for those of another kind.
    public typealias RemoteSources = (String) throws(WhitelistError) -> RemoteSource?

    /// These files.
    case documents([WhitelistDocument])
    /// All files in a directory, and those of the vendor's directory that it doesn't mask.
    case directory(path: String, vendor: String?)

    /// Reads `file:///path`, `postgrey-clients:///path`, `postgrey-recipients:///path` or `dir:///path`.
    ///
    /// What is in a directory may be followed by `?vendor=/path`.
    ///
    /// - Parameter remote: the source that any other URL names; nil for none
    public init(_ url: String, remote: RemoteSources) throws(WhitelistError) {
        if let source = try remote(url) {
            self = .documents([WhitelistDocument(.remote(source), path: source.name)])
            return
        }
        guard let colon = url.firstIndex(of: ":") else {
            throw WhitelistError("\(shortened(url)) is no URL (such as file:///etc/tprt/whitelist.json)")
        }
        let scheme = String(url[..<colon])
        guard Self.schemes.contains(scheme) else {
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
            throw WhitelistError("\(shortened(url)) names no file (dir:// is for a folder of files)")
        }
        switch scheme {
        case "file": self = .documents([WhitelistDocument(.json, path: path)])
        case "postgrey-clients": self = .documents(Self.withLocal(.postgreyClients, path))
        default: self = .documents(Self.withLocal(.postgreyRecipients, path))
        }
    }

    private static let schemes = ["file", "dir", "postgrey-clients", "postgrey-recipients"]

    /// The administrator's own list stands beside postgrey's and may be missing.
    private static func withLocal(_ form: WhitelistDocument.Form, _ path: String) -> [WhitelistDocument] {
        [WhitelistDocument(form, path: path), WhitelistDocument(form, path: path + ".local", isOptional: true)]
    }

    private static func directory(_ rest: String, _ url: String) throws(WhitelistError) -> WhitelistSource {
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return .directory(path: parts[0], vendor: nil) }
        guard parts[1].hasPrefix("vendor=/") else {
            throw WhitelistError("\(shortened(url)): the only option of a folder is vendor=/path")
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
                throw WhitelistError("\(bareOrQuoted(path)): \(error.sentence)")
            }
        }
    }
}
