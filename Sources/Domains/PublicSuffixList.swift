import Bytes
import CPSL

/// The public suffixes, below which anybody may register a name (https://publicsuffix.org): those of registries, and
/// those of companies that give names away.
///
/// libpsl holds them. A list never changes; where the file has, another one takes its place.
///
/// It is `Sendable` though libpsl's handle is not: libpsl writes to a list while it loads it, and looks up what is asked
/// through a pointer to constant data, so any number of threads may ask at a time; `deinit` frees it when the last has
/// let go of it.
public final class PublicSuffixList: @unchecked Sendable {
    /// Where Debian's package publicsuffix has the list.
    public static let path = "/usr/share/publicsuffix/public_suffix_list.dat"
    /// The most bytes that a file may have; the list has a third of a mebibyte.
    public static let sizeLimit = 8 << 20

    /// How many rules there are; 0 where libpsl was built without a list.
    public let ruleCount: Int
    /// Whether it is the list that is part of libpsl, which gets no younger.
    public let isBuiltIn: Bool
    private let handle: OpaquePointer?

    private init(_ handle: OpaquePointer?, ruleCount: Int, isBuiltIn: Bool) {
        self.handle = handle
        self.ruleCount = ruleCount
        self.isBuiltIn = isBuiltIn
    }

    deinit {
        if !isBuiltIn { psl_free(handle) }
    }

    /// The list that libpsl brings along, for where no file can be had.
    public static func builtIn() -> PublicSuffixList {
        let handle = psl_builtin()
        return PublicSuffixList(handle, ruleCount: handle.map { Int(psl_suffix_count($0)) } ?? 0, isBuiltIn: true)
    }

    /// A list without rules, as where libpsl was built without one: each domain is an organisation of its own.
    convenience init() {
        self.init(nil, ruleCount: 0, isBuiltIn: true)
    }

    /// Loads the text of a file; takes some 10 ms, and blocks meanwhile.
    ///
    /// - Throws: what keeps it from being the public suffix list
    public convenience init(text: [UInt8]) throws(SuffixListError) {
        let count = try SuffixListText.ruleCount(text)
        guard let handle = text.withUnsafeBytes({ psl_load_bytes($0.baseAddress, $0.count) }) else {
            throw .notLoaded
        }
        self.init(handle, ruleCount: count, isBuiltIn: false)
    }

    /// Whether a name is a public suffix; only a rule makes it one, not that it is a single label.
    ///
    /// - Parameter name: in lower case; A-labels, or letters beyond ASCII
    public func contains(_ name: Span<UInt8>) -> Bool {
        guard let handle, name.count <= DomainName.limit else { return false }
        return name.withTerminatedText {
            psl_is_public_suffix2(handle, $0, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0
        }
    }

    /// Where in a name its organisation begins: its public suffix and one label more; nil where the name itself is a
    /// suffix, and where there is no list.
    ///
    /// - Parameter name: in lower case and A-labels, without a dot at either end
    func startOfOrganisation(in name: Span<UInt8>) -> Int? {
        guard let handle else { return nil }
        // libpsl knows rules of up to eight labels, so a name of 127 takes it a few microseconds at most.
        return name.withTerminatedText { text in
            psl_registrable_domain(handle, text).map { UnsafePointer($0) - text }
        }
    }
}

extension PublicSuffixList {
    /// What a reading of the file brought.
    public enum Reload: Sendable {
        /// Another list.
        case replaced(PublicSuffixList)
        /// The list in use stays; why, in a sentence.
        case kept(String)
    }

    /// The list that takes the place of this one, if the file's text is one.
    ///
    /// A file that is missing, empty, HTML, cut off, or has lost more than half of its rules changes nothing: names would
    /// be put together that don't belong together, or the other way round.
    ///
    /// - Parameters:
    ///   - text: what the file holds; nil where it can't be read
    ///   - path: the file, for the sentence
    ///   - acceptsShrunk: whether a list that has lost more than half of its rules is taken, too
    public func reloaded(
        from text: [UInt8]?, path: String = PublicSuffixList.path, acceptingShrunk acceptsShrunk: Bool = false
    ) -> Reload {
        do throws(SuffixListError) {
            guard let text else { throw .missing }
            let list = try PublicSuffixList(text: text)
            guard acceptsShrunk || list.ruleCount * 2 >= ruleCount else {
                throw .shrunk(to: list.ruleCount, from: ruleCount)
            }
            return .replaced(list)
        } catch {
            return .kept("public suffix list \(path): \(error); \(consequence)")
        }
    }

    private var consequence: String {
        guard ruleCount > 0 else { return "each domain counts as an organisation of its own" }
        return isBuiltIn
            ? "the list of libpsl is used (\(ruleCount) rules)" : "the list in use stays (\(ruleCount) rules)"
    }
}

extension Span<UInt8> {
    /// Hands over the bytes as C has texts.
    fileprivate func withTerminatedText<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { storage in
            for index in indices { storage.initializeElement(at: index, to: CChar(bitPattern: self[index])) }
            storage.initializeElement(at: count, to: 0)
            guard let base = storage.baseAddress else {
                preconditionFailure("a buffer of one byte or more has an address")
            }
            return body(UnsafePointer(base))
        }
    }
}
