public import Greylist
import Synchronization

/// The sources of a whitelist, in their order.
///
/// A source that can't be read keeps the entries of its last good reading.
public final class WhitelistSources: Sendable {
    /// What a reading brought.
    public struct Reading: Sendable {
        /// All entries of all sources.
        public var whitelist: Whitelist
        /// What is wrong, a sentence each; none of it keeps the rest from being used.
        public var warnings: [String]
    }

    /// Why a text is no source.
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The complaint and the remedy.
        public let description: String
    }

    private let paths: [String]
    private let lastGood = Mutex<[String: [Whitelist.Entry]]>([:])

    /// Sources by their URLs: `file:///path`.
    public init(urls: [String]) throws(Fault) {
        var paths: [String] = []
        for url in urls {
            guard url.hasPrefix("file:///"), url.count > 8 else {
                let scheme = url.prefix { $0 != ":" }
                throw Fault(
                    description: "a source \"\(scheme):\" can't be read: this version reads files (file:///path)")
            }
            paths.append(String(url.dropFirst(7)))
        }
        self.paths = paths
    }

    /// Reads all sources anew.
    ///
    /// Blocks while it reads files.
    public func read() -> Reading {
        var warnings: [String] = []
        let entries = lastGood.withLock { lastGood in
            for path in paths {
                do throws(WhitelistFile.Fault) {
                    let file = try WhitelistFile(path: path)
                    warnings += file.skipped.map { "whitelist entry \($0)" }
                    lastGood[path] = file.entries
                } catch {
                    let kept = lastGood[path].map { "its \($0.count) entries are kept" } ?? "it counts as empty"
                    warnings.append("whitelist \(error); \(kept)")
                }
            }
            return paths.flatMap { lastGood[$0] ?? [] }
        }
        return Reading(whitelist: Whitelist(entries), warnings: warnings)
    }
}
