import Glibc
public import SPF

/// A small DNS in memory.
public struct Zone: Sendable {
    /// What a name may have.
    public enum Record: Sendable, Hashable {
        /// An IPv4 or IPv6 address.
        case address(SPFAddress)
        /// A text, its strings joined.
        case text([UInt8])
        /// The name of a mail exchanger; empty for a null MX.
        case exchange(String)
        /// A name of an address.
        case pointer(String)
        /// The name that this one is an alias of.
        case alias(String)
        /// Nobody answers what none of the other records answers.
        case timeout
    }

    private var records: [[UInt8]: [Record]]

    /// A zone whose names may be in any case, with or without a final dot.
    public init(_ records: [String: [Record]]) {
        self.records = [:]
        for (name, values) in records { self.records[Self.key(Array(name.utf8)), default: []] += values }
    }

    private static func key(_ name: [UInt8]) -> [UInt8] {
        let lowercase = name.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return lowercase.last == UInt8(ascii: ".") ? lowercase.dropLast() : lowercase
    }

    /// What the DNS says; a loop of aliases has no data.
    public func answer(_ question: DNSQuestion) -> DNSAnswer {
        var name = question.name
        for _ in 0...10 {
            guard let found = records[name] else { return .noSuchName }
            if let answer = Self.answer(question.type, found) { return answer }
            let aliases = found.compactMap { record in
                if case .alias(let target) = record { target } else { nil }
            }
            guard let alias = aliases.first else { return found.contains(.timeout) ? .temporaryError : .noData }
            name = Self.key(Array(alias.utf8))
        }
        return .noData
    }

    private static func answer(_ type: DNSRecordType, _ records: [Record]) -> DNSAnswer? {
        var addresses: [SPFAddress] = []
        var names: [[UInt8]] = []
        for record in records {
            switch (record, type) {
            case (.address(.ipv4(let value)), .a): addresses.append(.ipv4(value))
            case (.address(.ipv6(let value)), .aaaa): addresses.append(.ipv6(value))
            case (.exchange(let name), .mx), (.pointer(let name), .ptr): names.append(Array(name.utf8))
            case (.text(let text), .txt): names.append(text)
            default: break
            }
        }
        switch type {
        case .a, .aaaa: return addresses.isEmpty ? nil : .addresses(addresses)
        case .mx: return names.isEmpty ? nil : .exchanges(names)
        case .ptr: return names.isEmpty ? nil : .names(names)
        case .txt: return names.isEmpty ? nil : .texts(names)
        }
    }
}

extension Zone.Record {
    /// A text.
    public static func text(_ text: String) -> Self { .text(Array(text.utf8)) }

    /// A record by the name of its type, `TIMEOUT` among them, and its value; nil where there is no such type.
    public init?(type: String, value: String) {
        switch type {
        case "A", "AAAA":
            guard let address = SPFAddress(text: value) else { return nil }
            self = .address(address)
        case "TXT": self = .text(value)
        case "MX": self = .exchange(value)
        case "PTR": self = .pointer(value)
        case "CNAME": self = .alias(value)
        case "TIMEOUT": self = .timeout
        default: return nil
        }
    }
}

extension SPFAddress {
    /// The address that inet_pton(3) reads.
    public init?(text: String) {
        let isIPv6 = text.contains(":")
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 else { return nil }
        self.init(bytes: bytes)
    }
}

extension SPFEvaluation {
    /// The outcome that the answers of a zone lead to, and the questions, in the order in which they were asked.
    public mutating func run(in zone: Zone) -> (outcome: SPFOutcome, questions: [[DNSQuestion]]) {
        var asked: [[DNSQuestion]] = []
        var step = start()
        while case .needs(let questions) = step {
            asked.append(questions)
            step = resume(with: Dictionary(uniqueKeysWithValues: questions.map { ($0, zone.answer($0)) }))
        }
        guard case .done(let outcome) = step else { preconditionFailure("an evaluation asks or is done") }
        return (outcome, asked)
    }
}
