/// What an evaluation says of a client (RFC 7208, section 2.6).
public enum SPFResult: String, Sendable, Hashable, CaseIterable {
    /// There is no record, or no domain that could have one.
    case none
    /// The domain doesn't say whether the client may send for it.
    case neutral
    /// The client may.
    case pass
    /// It may not.
    case fail
    /// It probably may not.
    case softfail
    /// The DNS didn't answer.
    case temperror
    /// The record can't be understood, or asks for too much.
    case permerror
}

/// A result, and how it came about.
public struct SPFOutcome: Sendable, Hashable {
    /// The result of RFC 7208: `none` for a domain without a record, also where `grade` is a guess.
    public var result: SPFResult
    /// What the result proves; nil for anything but a pass or a guess.
    public var grade: SPFGrade?
    /// Which name was checked.
    public var scope: SPFScope
    /// The domain that was checked, in lower case without a final dot; as it was given where it isn't a domain name.
    public var domain: [UInt8]
    /// The includes and redirects on the way to the term that decided, and that term.
    ///
    /// Without a term where none matched, and empty for errors.
    public var path: [SPFTerm]
    /// What is wrong; nil for anything but a temporary or permanent error.
    public var problem: SPFProblem?
    /// What the result depends on beside domain and client address.
    public var dependencies: SPFDependencies
}

extension SPFOutcome {
    /// What somebody has noted of an evaluation, who knows no more of it.
    public init(noted result: SPFResult, grade: SPFGrade?) {
        self.init(
            result: result, grade: grade, scope: .mailFrom, domain: [], path: [], problem: nil, dependencies: [])
    }
}

/// What else than domain and client address macros have used: a result holds only where these are the same.
public struct SPFDependencies: OptionSet, Sendable, Hashable {
    /// The bits of the set.
    public let rawValue: UInt8

    /// A set by its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The HELO name (`%{h}`).
    public static let helo = SPFDependencies(rawValue: 1)
    /// The local part of the sender (`%{l}`, `%{s}`).
    public static let localPart = SPFDependencies(rawValue: 2)
}

/// A term of a record that led to the result.
public struct SPFTerm: Sendable, Hashable {
    /// The terms that there are.
    public enum Kind: String, Sendable, Hashable {
        case all, include, a, mx, ptr, ip4, ip6, exists, redirect
    }

    /// The longest text that is kept of a term, in bytes.
    public static let longestText = 255

    /// The domain whose record it is in.
    public var domain: [UInt8]
    /// The term as published, with its qualifier; the first 255 bytes.
    public var text: [UInt8]
    /// What it is.
    public var kind: Kind
    /// The name it asked about, macros expanded; nil for `all`, `ip4` and `ip6`.
    public var target: [UInt8]?
    /// How many bits of the client's address had to be right; nil for what doesn't compare addresses.
    public var prefixLength: Int?
    /// Whether it holds macros other than `%{d}` and `%{o}`, so that one domain has a name for each client or sender.
    public var isDynamic: Bool
}

/// Why there is no result.
public struct SPFProblem: Sendable, Hashable {
    /// What can be wrong, in words for an administrator.
    public enum Cause: String, Sendable, Hashable {
        case severalRecords = "more than one SPF record"
        case notASCII = "the SPF record is not ASCII"
        case syntax = "invalid term"
        case tooManyTerms = "too many terms that ask the DNS"
        case tooManyVoidLookups = "too many DNS lookups without result"
        case tooManyExchanges = "too many mail exchangers"
        case tooDeep = "too many nested includes"
        case noIncludedRecord = "included domain has no SPF record"
        case noRedirectedRecord = "redirect to a domain without an SPF record"
        case lookupFailed = "DNS lookup failed"
    }

    /// What is wrong.
    public var cause: Cause
    /// The domain whose record was evaluated.
    public var domain: [UInt8]
    /// The first 255 bytes of the term it was found in; nil where it is the record as a whole.
    public var term: [UInt8]?
}
