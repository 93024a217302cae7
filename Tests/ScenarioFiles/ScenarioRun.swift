public import Engine
public import Greylist
import SampleOptions
public import Storage

/// Where a scenario is played: in the engine itself, or behind a socket.
public protocol Stage {
    /// Sends the bytes of a request; returns the action of the reply.
    mutating func play(_ request: [UInt8]) async throws -> String
    /// Moves the clock.
    mutating func wait(_ seconds: Int64) async throws
    /// Has keys made in another way.
    mutating func change(to keys: KeyScheme) async throws
    /// The time on the stage.
    var now: Timestamp { get }
}

extension Scenario {
    /// The engine that the scenario's settings and whitelist make.
    public func engine() throws -> PolicyEngine {
        var options = PolicyEngine.Options.sample()
        var text = "Greylisted, please retry in {wait} seconds"
        var header = "X-Greylist: delayed {delay} seconds at {hostname}; {date}"
        for (name, value) in settings {
            let seconds = Scenario.seconds(value)
            switch (name, seconds) {
            case ("grey_delay", let seconds?): options.rules.delay = seconds
            case ("grey_retry_window", let seconds?): options.rules.retryWindow = seconds
            case ("grey_max_age", let seconds?): options.rules.maxAge = seconds
            case ("awl_client_count", let count?): options.rules.clientCount = UInt32(count)
            case ("awl_by", _): options.autoWhitelistsAddresses = value == "address"
            case ("ipv4_mask", let length?): options.masks.ipv4 = Int(length)
            case ("ipv6_mask", let length?): options.masks.ipv6 = Int(length)
            case ("greylist_null_sender", _): options.greylistsNullSender = value == "true"
            case ("greylist_authenticated", _): options.greylistsAuthenticated = value == "true"
            case ("mode", _): options.observesOnly = value == "observe"
            case ("hash_grey_db", _): options.keys = value == "true" ? .hashed : .plain
            case ("grey_text", _): text = value
            case ("grey_smtp_header", _): header = value
            default: throw ParseError(description, 0, "no such setting: \(name) \(value)")
            }
        }
        let wording = try Wording(action: "DEFER_IF_PERMIT", text: text, header: header, hostname: "mx.example.com")
        return PolicyEngine(options: options, wording: wording, whitelist: whitelist)
    }

    /// Plays all steps; throws at the first answer that isn't the expected one.
    public func play(on stage: inout some Stage, store: any Store) async throws {
        let options = try engine().options
        let rules = options.rules
        var reply: String?
        for (line, step) in steps {
            switch step {
            case .request(let attributes):
                if let reply { throw ParseError(description, line, "nothing was said of the answer before: \(reply)") }
                reply = try await stage.play(Self.bytes(of: attributes))
            case .answer(let expected):
                guard reply == expected else {
                    throw ParseError(description, line, "expected \"\(expected)\", got \"\(reply ?? "nothing")\"")
                }
                reply = nil
            case .wait(let seconds): try await stage.wait(seconds)
            case .maintain:
                var cursor: Cursor?
                repeat {
                    let now = stage.now
                    cursor = try await store.expire(.greylist, from: cursor, limit: 10, at: now, under: rules).next
                } while cursor != nil
            case .keys(let keys):
                try await stage.change(to: .keyed(SiteKeyring(keys, wasHashed: options.keys == .hashed)))
            case .entries(let expected):
                let count = try await store.scan(.greylist, from: nil, limit: 10_000).entries.count
                guard count == expected else {
                    throw ParseError(description, line, "expected \(expected) entries, found \(count)")
                }
            }
        }
        if let reply {
            throw ParseError(description, steps.last?.line ?? 0, "nothing was said of the last answer: \(reply)")
        }
    }

    /// A request as it goes over the wire.
    public static func bytes(of attributes: [String: String]) -> [UInt8] {
        let lines = attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
        return Array((lines.joined() + "\n").utf8)
    }
}
