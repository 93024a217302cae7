import RedisStore
import Storage
public import WhitelistFiles

/// Whitelists that are kept in a Redis, in the layout of TPRT 0.9.3.
public enum RemoteWhitelists {
    /// The source that a URL of Redis names; nil for any other URL.
    ///
    /// - Parameter report: takes a sentence for the log; called on any thread
    public static func source(
        at url: String, report: @escaping @Sendable (String) -> Void
    ) throws(WhitelistError) -> RemoteSource? {
        guard url.prefix(5).lowercased() == "redis" else { return nil }
        do {
            guard case .redis(let location) = try StoreLocation(url: url) else { return nil }
            let lists = try RedisLists(location, report: report)
            return RemoteSource(name: location.description) { () throws(RemoteSource.ReadError) in
                do throws(StoreError) {
                    return RemoteSource.Contents(try lists.read())
                } catch {
                    throw RemoteSource.ReadError(error.description)
                }
            }
        } catch {
            throw WhitelistError("\(error)")
        }
    }
}

extension RemoteSource.Contents {
    init(_ contents: RedisLists.Contents) {
        self.init(
            lists: contents.lists.map { list in
                RemoteSource.List(name: list.name, entries: list.entries.map { ($0.key, $0.fields) })
            },
            complaints: contents.complaints.map { ($0.list, $0.key, $0.sentence) })
    }
}
