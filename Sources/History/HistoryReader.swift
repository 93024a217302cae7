import Bytes
import GRDB
public import Greylist
public import Storage
import SystemPackage

/// Reads a history, while the daemon writes it or without a daemon.
///
/// Each call is one look at the file. It blocks, so it isn't for event loops. Where the daemon may begin a new file meanwhile,
/// a reader is to be opened for each question: that costs little.
public struct HistoryReader: Sendable {
    private let path: String
    private let queue: DatabaseQueue
    /// By which mail is found that was recorded under them.
    let siteKeys: SiteKeys?

    /// Opens a history for reading only.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - siteKeys: the keys of the site, where it has some and they may be read: mail is found by addresses through them
    ///   - patience: how many seconds to wait for another program's lock
    public init(path: String, siteKeys: SiteKeys? = nil, patience: Double = 5) throws(HistoryError) {
        self.path = path
        self.siteKeys = siteKeys
        guard let status = try? Stat(path) else {
            throw HistoryError(.missing, path, "no history: tprtd makes it where service.history_db names it")
        }
        guard status.type == .regular else { throw HistoryError(.otherFormat, path, "is not a regular file") }
        do throws(HistoryError) {
            queue = try Self.open(path, path, patience)
        } catch {
            // Who may not write beside the file can't open it as usual. Without a -wal nobody writes it, and it is all there.
            guard error.code == .denied, (try? Stat(path + "-wal")) == nil else { throw error }
            queue = try Self.open("file:\(path.percentEncoded)?immutable=1", path, patience)
        }
    }

    private static func open(
        _ location: String, _ path: String, _ patience: Double
    ) throws(HistoryError) -> DatabaseQueue {
        do {
            let queue = try HistoryFile.readingQueue(location, patience: patience)
            try queue.read { database in
                try HistoryFile.check(database, path)
                guard try Int64.fetchOne(database, sql: "PRAGMA user_version") == HistorySchema.version else {
                    throw HistoryError(.missing, path, "no history yet: tprtd has only begun it")
                }
            }
            return queue
        } catch {
            throw HistoryError(error, path)
        }
    }

    /// When the first attempt was that it has; nil without any.
    public func oldest() throws(HistoryError) -> Timestamp? {
        try look { database in
            try Int64.fetchOne(database, sql: "SELECT min(time) FROM attempts").map(Timestamp.init(seconds:))
        }
    }

    /// How many attempts it has, each daily count as one; all of them are gone through for it.
    public func attemptCount() throws(HistoryError) -> Int {
        try look { database in try Int.fetchOne(database, sql: "SELECT count(*) FROM attempts") ?? 0 }
    }

    /// Whether mail that is new can't be found by its addresses, since that takes a key of the site which isn't known here.
    public func lacksSiteKey() throws(HistoryError) -> Bool {
        try look { database in
            guard let mark = try HistorySettings(database).siteKeyMark else { return false }
            return siteKeys?.all.contains { $0.mark == mark } != true
        }
    }

    /// Looks at the file once: all that is read belongs together.
    func look<Result>(_ body: (Database) throws -> Result) throws(HistoryError) -> Result {
        do { return try queue.read(body) } catch { throw HistoryError(error, path) }
    }
}

extension String {
    /// The path as a URI has it.
    fileprivate var percentEncoded: String {
        var encoded: [UInt8] = []
        for byte in utf8 {
            if byte.isLetterOrDigit || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded.append(hexadecimalPairOf: byte)
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
