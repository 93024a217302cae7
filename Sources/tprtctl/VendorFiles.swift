import Glibc
import JSONText
import Programs
import Settings
import WhitelistFiles

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
        guard let found = realpath(path, nil) else {
            // A file that isn't there yet, in a directory that is.
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count > 1, let last = parts.last,
                let directory = realpath(parts.dropLast().joined(separator: "/") + "/", nil)
            else { return path }
            defer { free(directory) }
            return "\(String(cString: directory))/\(last)"
        }
        defer { free(found) }
        return String(cString: found)
    }
}
