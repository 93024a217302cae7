import RedisStore
import Storage
import StoreURLs
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
            messages: contents.messages.map { ($0.list, $0.key, $0.message) })
    }
}

/// The whitelists in a Redis, to be changed.
public struct RedisWhitelists: Sendable {
    /// What they were when they were read.
    public struct State: Sendable {
        fileprivate let contents: RedisLists.Contents

        /// The lists that are named `name`, to be changed.
        public func list(_ name: String) throws(WhitelistError) -> RemoteList {
            try RemoteList(name, in: RemoteSource.Contents(contents)) { text in
                var digits = ""
                Key(Array(text.utf8).span, isHashed: true).spell { digits.unicodeScalars.append(Unicode.Scalar($0)) }
                return digits
            }
        }

        /// What of a list can't be read, a sentence each.
        public func messages(of list: String) -> [String] {
            contents.messages.filter { $0.list == list }.map { message in
                message.key.map { "\($0): \(message.message)" } ?? message.message
            }
        }
    }

    /// What it is called in messages: no password.
    public let name: String
    private let lists: RedisLists

    /// Those that a URL names; nil where it is no URL of a Redis.
    ///
    /// - Parameter report: takes a sentence for the administrator; called on any thread
    public init?(url: String, report: @escaping @Sendable (String) -> Void) throws(WhitelistError) {
        guard url.prefix(5).lowercased() == "redis" else { return nil }
        do {
            guard case .redis(let location) = try StoreLocation(url: url) else { return nil }
            name = location.description
            lists = try RedisLists(location, report: report)
        } catch {
            throw WhitelistError("\(error)")
        }
    }

    /// Reads them; blocks meanwhile.
    public func read() throws(ProgramError) -> State {
        do throws(StoreError) {
            return State(contents: try lists.read())
        } catch {
            throw ProgramError(error)
        }
    }

    /// Puts changed lists in the place of those that were read, or beside them; blocks meanwhile.
    ///
    /// Readers see all of the old or all of the new state; in a cluster, they do of each list.
    ///
    /// - Parameter progress: told how many of how many keys are written
    /// - Throws: where the lists were changed meanwhile, too; then nothing is changed
    public func write(
        _ changed: [RemoteList], over state: State, progress: (_ done: Int, _ total: Int) -> Void
    ) throws(ProgramError) {
        let lists = changed.map { list in
            RedisLists.List(name: list.name, entries: list.list.entries.map { ($0.name, $0.members) })
        }
        do throws(StoreError) {
            try self.lists.write(lists, over: state.contents, progress: progress)
        } catch {
            throw ProgramError(error)
        }
    }
}
