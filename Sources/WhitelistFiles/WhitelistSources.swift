public import Greylist
import JSONText
import NIOConcurrencyHelpers

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
    private let lastGood = NIOLockedValueBox<[String: [Whitelist.Entry]]>([:])

    /// Sources by their URLs: `file:///path`.
    public init(urls: [String]) throws(Fault) {
        paths = try urls.map(Self.path)
    }

    private static func path(in url: String) throws(Fault) -> String {
        guard let colon = url.firstIndex(of: ":") else {
            throw Fault(description: "\(shortened(url)) is no URL (such as file:///etc/tprt/whitelist.json)")
        }
        // What follows another scheme may hold a password.
        guard url[..<colon] == "file" else {
            let scheme = shortened(String(url[...colon]))
            throw Fault(description: "whitelists in \(scheme) can't be read: this version reads files (file:///path)")
        }
        guard url.hasPrefix("file:///"), !url.hasSuffix("/") else {
            throw Fault(description: "\(shortened(url)) names no file (file:// is followed by an absolute path)")
        }
        return String(url.dropFirst(7))
    }

    /// Reads all sources anew.
    ///
    /// Blocks while it reads files.
    public func read() -> Reading {
        var warnings: [String] = []
        let entries = lastGood.withLockedValue { lastGood in
            for path in paths {
                do throws(WhitelistFile.Fault) {
                    let file = try WhitelistFile(path: path)
                    warnings += file.skipped.map { "whitelist \($0)" }
                    lastGood[path] = file.entries
                } catch {
                    let consequence =
                        lastGood[path].map { "its last good reading stays (entries: \($0.count))" }
                        ?? "it counts as empty"
                    warnings.append("whitelist \(error); \(consequence)")
                }
            }
            return paths.flatMap { lastGood[$0] ?? [] }
        }
        return Reading(whitelist: Whitelist(entries), warnings: warnings)
    }
}
