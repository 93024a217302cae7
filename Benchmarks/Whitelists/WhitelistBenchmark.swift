import Foundation
import Greylist
import NIOCore
import Policy
import SampleOptions
import WhitelistFiles
import Whitelists

/// How long whitelists take to load, how much memory they take, and how long a request takes to match, by kind and size.
///
/// Each line is measured in a process of its own, so that memory is what that whitelist takes.
@main
enum WhitelistBenchmark {
    private static let (rounds, batches, batchSize) = (40, 20, 100)

    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, let kind = Kind(rawValue: arguments[1]), let count = Int(arguments[2]) {
            return try measure(kind, count)
        }
        print(
            "| entries | count | file, MB | load, s | memory, MB | at the peak, MB | match, ns | look-up alone, ns | found |"
        )
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        fflush(nil)
        for kind in Kind.allCases {
            for count in kind.counts {
                let process = Process()
                process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
                process.arguments = [kind.rawValue, "\(count)"]
                try process.run()
                process.waitUntilExit()
            }
        }
    }

    private static func measure(_ kind: Kind, _ count: Int) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "whitelist-\(UUID().uuidString)").path()
        defer { unlink(path) }
        let size = try kind.write(count, to: path)
        let before = memory("VmRSS")
        let clock = ContinuousClock()
        let start = clock.now
        let document = WhitelistDocument(kind == .postgrey ? .postgreyClients : .json, path: path)
        let reading = try document.part(SourceOptions(allowsPatterns: true))
        let load = clock.now - start
        guard reading.messages.isEmpty else { fatalError("\(reading.messages[0])") }
        let (after, peak) = (memory("VmRSS"), memory("VmHWM"))
        let whitelist = Whitelist([reading.entries])
        var random = SystemRandomNumberGenerator()
        var envelopes = [Envelope](repeating: Envelope(), count: batchSize)
        var matched = 0
        var (bestLookUp, bestMatch) = (Duration.seconds(1_000), Duration.seconds(1_000))
        // The quickest of several rounds, since the machine does other things. Batches are so small that requests are in
        // the processor's cache, as they are in a server, which has just read them.
        for _ in 0..<rounds {
            var (lookUp, match) = (Duration.zero, Duration.zero)
            for _ in 0..<batches {
                // The envelopes of one batch are addressed before its look-ups are timed; the other batch does as the
                // daemon does, and addresses each envelope right before its look-up.
                var requests = try (0..<batchSize).map { _ in try Self.request(kind.request(count, &random)) }
                for index in requests.indices { Self.address(&envelopes[index], of: requests[index]) }
                lookUp += clock.measure {
                    for index in requests.indices
                    where whitelist.match(requests[index], envelopes[index], at: Timestamp(seconds: 0)) != nil {
                        matched += 1
                    }
                }
                requests = try (0..<batchSize).map { _ in try Self.request(kind.request(count, &random)) }
                match += clock.measure {
                    for index in requests.indices {
                        Self.address(&envelopes[0], of: requests[index])
                        if whitelist.match(requests[index], envelopes[0], at: Timestamp(seconds: 0)) != nil {
                            matched += 1
                        }
                    }
                }
            }
            bestLookUp = min(bestLookUp, lookUp)
            bestMatch = min(bestMatch, match)
        }
        let found = matched * 100 / (2 * rounds * batches * batchSize)
        func nanoseconds(_ duration: Duration) -> Int { Int(duration / .nanoseconds(1)) / (batches * batchSize) }
        print(
            "| \(kind.rawValue) | \(reading.entries.count) | \(size >> 20) | "
                + String(format: "%.2f", load / .seconds(1)) + " | \(after - before) | \(peak - before) | "
                + "\(nanoseconds(bestMatch)) | \(nanoseconds(bestLookUp)) | \(found) % |")
    }

    /// A request as the decoder hands it over.
    private static func request(_ attributes: [String: String]) throws -> PolicyRequest {
        var buffer = ByteBuffer(string: attributes.map { "\($0)=\($1)\n" }.joined() + "\n")
        var decoder = PolicyDecoder()
        guard let request = try decoder.next(in: &buffer) else { fatalError("half a request") }
        return request
    }

    private static func address(_ envelope: inout Envelope, of request: PolicyRequest) {
        let isAddressed = request.read(.clientAddress, .sender, .recipient) { client, sender, recipient in
            envelope.address(client: client, sender: sender, recipient: recipient, masks: PrefixLengths.sample())
        }
        if !isAddressed { fatalError("a client without an address") }
    }

    /// A figure of /proc/self/status, in MB.
    private static func memory(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) >> 10
    }
}

/// What the whitelists are made of.
enum Kind: String, CaseIterable {
    case networks, addresses, both, names, expressions, combinations, postgrey

    var counts: [Int] {
        switch self {
        case .expressions: [10, 1_000, 10_000]
        case .both: [2_000_000]
        default: [10, 10_000, 1_000_000]
        }
    }

    /// Writes a file with that many entries; returns its size.
    func write(_ count: Int, to path: String) throws -> Int {
        guard let file = fopen(path, "w") else { fatalError("no temporary file") }
        if self != .postgrey { fputs("{\"list\": [\n", file) }
        for number in 0..<count { fputs(entry(number) + (self == .postgrey ? "\n" : ",\n"), file) }
        if self != .postgrey { fputs("]}\n", file) }
        let size = ftell(file)
        fclose(file)
        return size
    }

    private func entry(_ number: Int) -> String {
        switch self {
        case .networks: network(number)
        case .addresses: address(number)
        case .both: number % 2 == 0 ? network(number) : address(number)
        case .names: #"{"type": "remote_name", "domain": "mx\#(number).example\#(number % 1_000).org"}"#
        case .expressions:
            number % 2 == 0
                ? #"{"type": "sender_regex", "regex": "bounce-[0-9]+@news\#(number)\\.example\\.com$"}"#
                : #"{"type": "sender_regex", "regex": ".+@(.+\\.)*shop\#(number)\\.example$"}"#
        case .combinations:
            #"{"type": "all", "of": [\#(network(number % 1_000)), {"type": "recipient_literal", "recipient": "#
                + #""user\#(number)@example.com"}]}"#
        case .postgrey: number % 2 == 0 ? Kind.ipv4(number) : "mx\(number).example\(number % 1_000).org"
        }
    }

    /// Networks of the lengths that lists have; one in two is IPv6.
    private func network(_ number: Int) -> String {
        let lengths = [16, 20, 22, 24, 24, 24, 27, 28, 29, 32, 32]
        guard number % 4 < 2 else {
            return
                #"{"type": "ipv6_net", "net": "2001:\#(Kind.hexadecimal(number))::", "mask": \#([32, 48, 56, 64][number % 4])}"#
        }
        return #"{"type": "ipv4_net", "net": "\#(Kind.ipv4(number))", "mask": \#(lengths[number % lengths.count])}"#
    }

    private func address(_ number: Int) -> String {
        let kind = number % 4 < 2 ? "sender" : "recipient"
        return #"{"type": "\#(kind)_literal", "\#(kind)": "user\#(number)@domain\#(number % 50_000).example"}"#
    }

    /// Spread over all addresses, the same for the same number.
    private static func ipv4(_ number: Int) -> String {
        let bits = UInt32(truncatingIfNeeded: number) &* 2_654_435_761
        return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
    }

    private static func hexadecimal(_ number: Int) -> String {
        let bits = UInt32(truncatingIfNeeded: number) &* 2_654_435_761
        return String(bits >> 16, radix: 16) + ":" + String(bits & 0xffff, radix: 16)
    }

    /// A request with a number that half the time is that of an entry, however many there are, so that nothing but the
    /// count differs.
    func request(_ count: Int, _ random: inout SystemRandomNumberGenerator) -> [String: String] {
        let number = Int.random(in: 0..<count * 2, using: &random)
        return [
            "client_address": Kind.ipv4(number), "client_name": "mx\(number).example\(number % 1_000).org",
            "sender": number % 3 == 0
                ? "bounce-\(Int.random(in: 0..<1_000_000_000, using: &random))@news\(number).example.com"
                : "user\(number)@domain\(number % 50_000).example",
            "recipient": "user\(number)@example.com",
        ]
    }
}
