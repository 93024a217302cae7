import NIOCore
import NIOPosix
public import Storage

/// Lists of hashes in the layout of TPRT 0.9.3: the list `whitelists` names lists, each of which holds keys of hashes.
///
/// It is only read.
public final class RedisLists: Sendable {
    /// A list as it is kept.
    public struct List: Sendable, Equatable {
        /// Its key.
        public let name: String
        /// The hashes, by their keys, in their order; of a key that comes twice the first.
        public internal(set) var entries: [(key: String, fields: [(name: String, value: String)])] = []

        /// Whether name and entries are the same.
        public static func == (one: Self, other: Self) -> Bool {
            one.name == other.name
                && one.entries.elementsEqual(other.entries) { one, other in
                    one.key == other.key && one.fields.elementsEqual(other.fields, by: ==)
                }
        }
    }

    /// What a reading brought.
    public struct Contents: Sendable {
        /// The lists, in their order.
        public internal(set) var lists: [List] = []
        /// What is of the wrong kind or missing: the list, its entry's key or nil, and a sentence.
        public internal(set) var complaints: [(list: String, key: String?, sentence: String)] = []
    }

    /// The most entries of a list that are read.
    static let limit = 2_000_000
    /// How many hashes are asked for at once.
    private static let batch = 500

    private let location: RedisLocation
    private let access: RedisAccess
    private let limits: RedisLimits

    /// Reads the files that the location names (passwords, certificates); connects when it is read.
    ///
    /// - Parameter report: takes a sentence for the log; called on any thread
    public convenience init(
        _ location: RedisLocation, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        try self.init(location, limits: RedisLimits(), report: report)
    }

    init(
        _ location: RedisLocation, limits: RedisLimits, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.location = location
        self.limits = limits
        access = try RedisAccess(location, report: report)
    }

    /// Reads all lists over a connection that is made for it.
    ///
    /// Blocks; not to be called on an event loop.
    public func read() throws(StoreError) -> Contents {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let desk: NIOLoopBound<ListDesk>
        do {
            desk = try loop.submit { [access, limits] in
                NIOLoopBound(
                    ListDesk(RedisClient(on: loop, access: access, limits: limits), on: loop), eventLoop: loop)
            }.wait()
        } catch {
            throw StoreError(.unavailable, "\(location): \(error)")
        }
        defer { loop.execute { desk.value.client.close() } }
        do {
            return try read { commands in try loop.flatSubmit { desk.value.ask(commands) }.wait() }
        } catch let fault as RedisFault {
            throw StoreError(fault.isMisconfiguration ? .misconfigured : .unavailable, "\(location): \(fault.message)")
        } catch {
            throw StoreError(.unavailable, "\(location): \(error)")
        }
    }

    private typealias Ask = ([[String]]) throws -> [Result<RESPValue, RedisFault>]

    private func read(_ ask: Ask) throws -> Contents {
        var contents = Contents()
        for name in try firstAnswer(ask) {
            guard let keys = try keys(of: name, ask, &contents) else { continue }
            var list = List(name: name)
            var start = 0
            while start < keys.count {
                let some = keys[start..<min(start + Self.batch, keys.count)]
                for (key, reply) in zip(some, try ask(some.map { ["HGETALL", $0] })) {
                    if let fields = try fields(reply, key, of: name, &contents) { list.entries.append((key, fields)) }
                }
                start += Self.batch
            }
            contents.lists.append(list)
        }
        return contents
    }

    /// The names of the lists; asked for until there is a connection, or no hope of one.
    private func firstAnswer(_ ask: Ask) throws -> [String] {
        let end = NIODeadline.now() + limits.connect
        while true {
            let reply = try ask([["LRANGE", "whitelists", "0", "-1"]])[0]
            switch reply {
            case .success(let value): return (value.elements ?? []).compactMap(\.string)
            case .failure(let fault) where fault.kind == .wrongType:
                throw RedisFault(.other, "the key whitelists is no list")
            case .failure(let fault):
                guard case .unavailable = fault.kind, NIODeadline.now() < end else { throw fault }
                // The connection is being made.
                _ = try MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: .milliseconds(20)) {}
                    .futureResult.wait()
            }
        }
    }

    /// The keys in a list, each once; nil where it is none.
    private func keys(of name: String, _ ask: Ask, _ contents: inout Contents) throws -> [String]? {
        var keys: [String] = []
        var seen: Set<String> = []
        var start = 0
        while start < Self.limit {
            let reply = try ask([["LRANGE", name, "\(start)", "\(start + 999)"]])[0]
            switch reply {
            case .success(let value):
                let some = (value.elements ?? []).compactMap(\.string)
                keys += some.filter { seen.insert($0).inserted }
                if some.count < 1_000 { return keys }
            case .failure(let fault) where fault.kind == .wrongType:
                contents.complaints.append((name, nil, "the key is no list"))
                return nil
            case .failure(let fault): throw fault
            }
            start += 1_000
        }
        contents.complaints.append((name, nil, "all beyond entry \(Self.limit)"))
        return keys
    }

    private func fields(
        _ reply: Result<RESPValue, RedisFault>, _ key: String, of list: String, _ contents: inout Contents
    ) throws -> [(name: String, value: String)]? {
        switch reply {
        case .success(let value):
            let texts = (value.elements ?? []).map { $0.string ?? "" }
            guard !texts.isEmpty else {
                contents.complaints.append((list, key, "there is no such key"))
                return nil
            }
            return stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }
        case .failure(let fault) where fault.kind == .wrongType:
            contents.complaints.append((list, key, "the key is no hash"))
            return nil
        case .failure(let fault): throw fault
        }
    }
}

/// Asks on behalf of `RedisLists`, on an event loop.
private final class ListDesk: ReplyReceiver {
    let client: RedisClient
    private let loop: any EventLoop
    private var promises: [Int: EventLoopPromise<Result<RESPValue, RedisFault>>] = [:]
    private var tag = 0

    init(_ client: RedisClient, on loop: any EventLoop) {
        self.client = client
        self.loop = loop
    }

    /// Sends commands, of each of which the second word is its key.
    func ask(_ commands: [[String]]) -> EventLoopFuture<[Result<RESPValue, RedisFault>]> {
        let replies = commands.map { words in
            let promise = loop.makePromise(of: Result<RESPValue, RedisFault>.self)
            tag += 1
            promises[tag] = promise
            var bytes = ByteBuffer()
            bytes.writeHeader(UInt8(ascii: "*"), words.count)
            for word in words { bytes.writeBulk(word) }
            client.submit(
                bytes, slot: KeySlot.of(Array(words[1].utf8).span), to: Waiter(receiver: self, tag: tag))
            return promise.futureResult
        }
        client.flush()
        return EventLoopFuture.whenAllSucceed(replies, on: loop)
    }

    func take(_ reply: Result<RESPValue, RedisFault>, tag: Int) {
        promises.removeValue(forKey: tag)?.succeed(reply)
    }
}
