import FileCalls
import JSONText
import Programs
import Settings
import WhitelistFiles

/// A whitelist that a command changes.
enum WhitelistTarget {
    /// A JSON file.
    case file(path: String)
    /// The lists in a Redis.
    case redis(RedisWhitelists)

    /// What a URL names, if it can be changed here.
    init(_ url: String) throws(ProgramError) {
        if let redis = try Self.redis(at: url) {
            self = .redis(redis)
            return
        }
        let source: WhitelistSource
        do throws(WhitelistError) {
            source = try WhitelistSource(url.hasPrefix("/") ? "file://\(url)" : url) { _ in nil }
        } catch {
            throw ProgramError(.usage, error.description)
        }
        switch source {
        case .directory(let path, _):
            let path = bareOrQuoted(path)
            throw ProgramError(
                .usage, "\(path) is a directory: name the file in it (such as file://\(path)/50-local.json)")
        case .documents(let documents):
            guard documents.count == 1, case .json = documents[0].form else {
                let path = bareOrQuoted(documents.last?.path ?? url)
                throw ProgramError(.usage, "postgrey's lists have an entry a line: edit \(path) in an editor")
            }
            self = .file(path: documents[0].path)
        }
    }

    /// The Redis that a URL names; nil where it names something else.
    static func redis(at url: String) throws(ProgramError) -> RedisWhitelists? {
        do throws(WhitelistError) {
            return try RedisWhitelists(url: url) { note($0) }
        } catch {
            throw ProgramError(.usage, error.description)
        }
    }

    /// Changes the text of a file; `change` says whether there is anything to write.
    static func edit(
        _ path: String, mustExist: Bool, _ change: (inout WhitelistText) throws(WhitelistError) -> Bool
    ) throws(ProgramError) -> Bool {
        let file = try FileReplacement(of: path)
        if mustExist, !file.exists { throw ProgramError(.noInput, "\(bareOrQuoted(path)): file does not exist") }
        let bytes = try file.contents()
        var text: WhitelistText
        do throws(WhitelistError) {
            text = try WhitelistText(path: path, bytes: bytes)
            guard try change(&text) else { return false }
        } catch {
            throw ProgramError(.dataError, error.description)
        }
        try file.replace(by: text.bytes)
        return true
    }

    /// Changes a list in a Redis; `change` says whether there is anything to write.
    static func edit(
        _ name: String, of redis: RedisWhitelists, _ change: (inout RemoteList) throws(WhitelistError) -> Bool
    ) throws(ProgramError) -> Bool {
        let state = try redis.read()
        var list: RemoteList
        do throws(WhitelistError) {
            list = try state.list(name)
            guard try change(&list) else { return false }
        } catch {
            throw ProgramError(.dataError, "\(redis.name): \(error)")
        }
        for message in state.messages(of: name) { note("\(redis.name): \(message): it is left out") }
        try redis.write([list], over: state) { _, _ in }
        return true
    }

    /// A URL in a message: it may hold a password.
    static func shown(_ url: String) -> String {
        guard let end = url.firstRange(of: "://")?.upperBound else { return shortened(url) }
        return shortened(url[..<end] + "...")
    }
}

/// Files that packages bring: the next version replaces them, so they aren't edited.
struct VendorFiles {
    /// The directories of vendors in `wl_sources`, each with the administrator's own that masks its files.
    private let directories: [(vendor: String, own: String)]

    init(_ service: Configuration.Service) {
        directories = service.wlSources.compactMap { url in
            guard case .directory(let own, let vendor?)? = try? WhitelistSource(url, remote: { _ in nil }) else {
                return nil
            }
            return (Self.resolved(vendor), own)
        }
    }

    /// Refuses to edit such a file, with the place to do it.
    func refuse(_ path: String) throws(ProgramError) {
        let resolved = Self.resolved(path)
        let parts = resolved.split(separator: "/").map(String.init)
        guard let name = parts.last else { return }
        let directory = "/" + parts.dropLast().joined(separator: "/")
        if let own = directories.first(where: { $0.vendor == directory })?.own {
            throw ProgramError(
                .usage,
                "\(bareOrQuoted(path)) came with a package, whose next version replaces it: add to a file in "
                    + "\(bareOrQuoted(own)) (such as \(bareOrQuoted("\(own)/50-local.json"))); a file \(named(name)) there, "
                    + "even an empty one, takes this one's place")
        }
        if parts.first == "usr", parts.dropFirst().first != "local" {
            throw ProgramError(
                .usage,
                "\(bareOrQuoted(path)) came with a package, whose next version replaces it: add to a file below /etc, "
                    + "and name that in wl_sources (such as file:///etc/tprt/whitelist.json)")
        }
    }

    /// The path without symbolic links, as far as it leads anywhere.
    private static func resolved(_ path: String) -> String {
        if let found = try? FileNames.resolve(path) { return found }
        // A file that isn't there yet, in a directory that is.
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1, let last = parts.last,
            let directory = try? FileNames.resolve(parts.dropLast().joined(separator: "/") + "/")
        else { return path }
        return "\(directory)/\(last)"
    }
}
