import NIOCore

/// Why a command has no proper reply, by what follows from it.
package struct RedisError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Equatable {
        /// The next attempt may fare better.
        case unavailable(Unavailability)
        /// The server reads but doesn't write: its memory or its disk is full, or too few replicas are there.
        case writeRefused
        /// It won't get better before somebody fixes the settings: those of the server or ours.
        case misconfigured
        /// The slot has moved to that node for good; an empty host is that of the node that was asked.
        case moved(slot: UInt16, RedisEndpoint)
        /// The slot is on its way to that node, and this key is there already.
        case ask(slot: UInt16, RedisEndpoint)
        /// The slot is on its way, and the keys of the command aren't all on one side.
        case tryAgain
        /// The script has to be loaded.
        case noScript
        /// The key holds a value of another type.
        case wrongType
        case other
    }

    package enum Unavailability: Equatable {
        /// No connection, or no answer on it; the command may have been carried out all the same.
        case unreachable
        /// The server is no master, or isn't one yet.
        case notServing
        /// The cluster has no majority, or nobody for the slot.
        case clusterDown
        /// The server is at its limits, or we are at ours.
        case busy
    }

    package var kind: Kind
    /// One line, fit for the log; never with a password.
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }

    package var isMisconfiguration: Bool { kind == .misconfigured }
}

extension RedisError {
    /// What an error reply says.
    ///
    /// The class is its first word. Where a script failed, servers before Redis 7 put that word behind others of theirs:
    /// `ERR Error running script (call to f_…): @user_script:1: -OOM command not allowed …`.
    init(reply: ByteBuffer) {
        let words = String(logSafe: reply)
        let kind = Kind(words)
        if kind == .other, words.hasPrefix("ERR "), let code = words.codeInsideScriptError {
            self.init(Kind(code), words)
        } else {
            self.init(kind, words)
        }
    }
}

extension RedisError.Kind {
    /// The class of an error that begins with these words.
    fileprivate init(_ words: some StringProtocol) {
        let parts = words.split(separator: " ", maxSplits: 3)
        switch parts.first {
        case "READONLY", "MASTERDOWN", "LOADING": self = .unavailable(.notServing)
        case "CLUSTERDOWN": self = .unavailable(.clusterDown)
        case "BUSY": self = .unavailable(.busy)
        case "OOM", "MISCONF", "NOREPLICAS": self = .writeRefused
        case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED": self = .misconfigured
        case "MOVED": self = Self.redirection(parts).map { .moved(slot: $0, $1) } ?? .other
        case "ASK": self = Self.redirection(parts).map { .ask(slot: $0, $1) } ?? .other
        case "TRYAGAIN": self = .tryAgain
        case "NOSCRIPT": self = .noScript
        case "WRONGTYPE": self = .wrongType
        case "ERR": self.init(unclassified: words.dropFirst(4))
        default: self = .other
        }
    }

    /// The class of an error that servers only tell by its sentence.
    private init(unclassified message: some StringProtocol) {
        if message.hasPrefix("max number of clients") {
            self = .unavailable(.busy)
        } else if Self.misconfigurations.contains(where: { message.contains($0) }) {
            self = .misconfigured
        } else {
            self = .other
        }
    }

    private static let misconfigurations = [
        "invalid password", "Client sent AUTH, but no password is set", "without any password configured",
        "DB index is out of range", "invalid DB index", "operation not permitted",
        "ACL failure in script", "The user executing the script can't run",
    ]

    /// `MOVED 3999 10.0.0.1:6381`; the host may be an IPv6 address without brackets, or be missing.
    private static func redirection(_ parts: [some StringProtocol]) -> (UInt16, RedisEndpoint)? {
        guard parts.count >= 3, let slot = UInt16(parts[1]), Int(slot) < KeySlot.count,
            let colon = parts[2].lastIndex(of: ":"),
            let port = Int(parts[2][parts[2].index(after: colon)...]), (1...65535).contains(port)
        else { return nil }
        let host = parts[2][..<colon]
        return (slot, RedisEndpoint(host: host == "?" ? "" : String(host), port: port))
    }
}

extension String {
    /// Somebody else's words as they may stand in a log line: at most 200 bytes, printable ASCII.
    init(logSafe bytes: ByteBuffer) {
        self = String(
            decoding: bytes.readableBytesView.prefix(200).map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: "?") },
            as: UTF8.self)
    }

    /// What follows the first ` -` before a capital letter.
    fileprivate var codeInsideScriptError: Substring? {
        var rest = self[...]
        while let dash = rest.firstIndex(of: "-") {
            let code = rest[rest.index(after: dash)...]
            let isApart = dash > rest.startIndex && rest[rest.index(before: dash)] == " "
            if isApart, let first = code.first, ("A"..."Z").contains(first) { return code }
            rest = code
        }
        return nil
    }
}
