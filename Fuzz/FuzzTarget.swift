/// A reader of what others wrote, and a check of what it promises whatever that is.
///
/// libFuzzer calls the checks with what it makes up, a test with the inputs that are kept.
struct FuzzTarget: Sendable {
    /// The name of its directory.
    let name: String
    /// Throws where an input breaks a promise; a reader that crashes ends the process.
    let check: @Sendable (_ input: [UInt8]) throws(BrokenPromise) -> Void

    /// All of them; `Fuzz/README.md` says what they promise.
    static let all = [
        FuzzTarget(name: "Address", check: checkAddress),
        FuzzTarget(name: "Control", check: checkControl),
        FuzzTarget(name: "DNS", check: checkDNS),
        FuzzTarget(name: "HTTP", check: checkHTTP),
        FuzzTarget(name: "Import", check: checkImport),
        FuzzTarget(name: "JSON", check: checkJSON),
        FuzzTarget(name: "Journal", check: checkJournal),
        FuzzTarget(name: "LineList", check: checkLineList),
        FuzzTarget(name: "Name", check: checkName),
        FuzzTarget(name: "NameList", check: checkNameList),
        FuzzTarget(name: "Policy", check: checkPolicy),
        FuzzTarget(name: "PostfixLog", check: checkPostfixLog),
        FuzzTarget(name: "RESP", check: checkRESP),
        FuzzTarget(name: "Record", check: checkRecord),
        FuzzTarget(name: "SPF", check: checkSPF),
        FuzzTarget(name: "Sender", check: checkSender),
        FuzzTarget(name: "Settings", check: checkSettings),
        FuzzTarget(name: "Whitelist", check: checkWhitelist),
    ]
}

/// What an input has shown to be untrue.
struct BrokenPromise: Error, CustomStringConvertible {
    let description: String
}

/// Throws where something doesn't hold that was promised; the sentence says what happened instead.
func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(BrokenPromise) {
    if !holds { throw BrokenPromise(description: otherwise()) }
}

/// The pieces in which an input comes, so large each; one that is empty comes in none.
func pieces(of input: some Collection<UInt8>, size: Int) -> [[UInt8]] {
    let bytes = Array(input)
    return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
}

/// The lines of an input: what its parts are where it has several.
func lines(of input: [UInt8]) -> [[UInt8]] {
    input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
}

extension Span<UInt8> {
    /// A copy.
    var bytes: [UInt8] { indices.map { self[$0] } }
}
