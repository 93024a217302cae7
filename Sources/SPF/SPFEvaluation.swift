/// Whether a host may send for a domain: check_host() of RFC 7208 as a value that asks its questions and is resumed by
/// answers.
///
/// It has no clock and asks nobody: who runs it out of time takes what is left as a temporary error. It ends after a
/// bounded number of steps whatever the answers are. `exp=` is read, but the explanation isn't fetched.
///
/// For a domain without a record it goes on to find out whether the client is near its host or its mail exchangers; the
/// result stays `none`.
public struct SPFEvaluation: Sendable {
    /// What comes next.
    public enum Step: Sendable, Hashable {
        /// Questions whose answers it needs, different from each other; they may be asked at the same time.
        ///
        /// At most `SPFLimits.exchanges` or `SPFLimits.clientNames` of them, or one.
        case needs([DNSQuestion])
        /// The end.
        case done(SPFOutcome)
    }

    /// A record in evaluation.
    struct Frame: Sendable {
        var domain: [UInt8]
        var record: SPFRecord
        /// Which directive comes next.
        var next = 0
        /// The includes and redirects that led here.
        var way: [SPFTerm]
        /// Whether an include of the frame below led here, and not only redirects.
        var isIncluded: Bool
    }

    /// A record that has to be read.
    struct Fetch: Sendable {
        enum Entry: Sendable { case start, include, redirect }

        var question: DNSQuestion
        var entry: Entry
        var way: [SPFTerm]
    }

    let identity: SPFIdentity
    let limits: SPFLimits
    var answers: [DNSQuestion: DNSAnswer] = [:]
    var fetch: Fetch?
    var frames: [Frame] = []
    var terms = 0
    var voids = 0
    var dependencies: SPFDependencies = []
    var isGuessing = false
    var outcome: SPFOutcome?

    /// Begins the evaluation of an attempt to send.
    ///
    /// - Parameters:
    ///   - client: the client's address; one that maps an IPv4 address counts as that
    ///   - sender: the envelope sender; where it is empty or has no domain, the HELO name is checked
    ///   - helo: the name that the client gave
    public init(client: SPFAddress, sender: [UInt8], helo: [UInt8], limits: SPFLimits) {
        identity = SPFIdentity(client: client, sender: sender, helo: helo)
        self.limits = limits
        if let question = identity.recordQuestion {
            fetch = Fetch(question: question, entry: .start, way: [])
        } else {
            finish(.none, path: [])
        }
    }

    /// The first step.
    public mutating func start() -> Step {
        resume(with: [:])
    }

    /// Goes on with answers: to all questions of the last step, to some of them, or to further ones.
    ///
    /// Where some are missing it may end nevertheless, since others suffice; else it needs the rest. The first answer to
    /// a question counts.
    public mutating func resume(with new: [DNSQuestion: DNSAnswer]) -> Step {
        answers.merge(new) { first, _ in first }
        var missing: [DNSQuestion] = []
        while missing.isEmpty {
            if let outcome { return .done(outcome) }
            missing = fetch.map { read($0) } ?? evaluate()
        }
        return .needs(missing)
    }
}

/// Each step returns the questions that keep it from being made, and has changed nothing then.
extension SPFEvaluation {
    /// Reads a record that the evaluation begins with, or that another one refers to.
    private mutating func read(_ fetch: Fetch) -> [DNSQuestion] {
        guard let answer = answers[fetch.question] else { return [fetch.question] }
        guard answer != .temporaryError else {
            fail(.lookupFailed, in: fetch.question.name)
            return []
        }
        let records = answer.texts.filter(SPFRecord.isRecord)
        guard let text = records.first else {
            noRecord(fetch, doesNameExist: answer != .noSuchName)
            return []
        }
        guard records.count == 1 else {
            fail(.severalRecords, in: fetch.question.name)
            return []
        }
        guard text.allSatisfy({ $0 < 0x80 }) else {
            fail(.notASCII, in: fetch.question.name)
            return []
        }
        do throws(SPFSyntaxError) {
            begin(try SPFRecord(text), for: fetch)
        } catch {
            fail(.syntax, in: fetch.question.name, at: error.term)
        }
        return []
    }

    private mutating func begin(_ record: SPFRecord, for fetch: Fetch) {
        self.fetch = nil
        let domain = fetch.question.name
        switch fetch.entry {
        case .start: frames = [Frame(domain: domain, record: record, way: [], isIncluded: false)]
        case .include:
            guard frames.count < limits.depth else {
                fail(.tooDeep, in: domain)
                return
            }
            frames.append(Frame(domain: domain, record: record, way: fetch.way, isIncluded: true))
        case .redirect:
            let isIncluded = frames.removeLast().isIncluded
            frames.append(Frame(domain: domain, record: record, way: fetch.way, isIncluded: isIncluded))
        }
    }

    private mutating func noRecord(_ fetch: Fetch, doesNameExist: Bool) {
        switch fetch.entry {
        case .include, .redirect:
            let term = fetch.way.last
            fail(
                fetch.entry == .include ? .noIncludedRecord : .noRedirectedRecord, in: term?.domain ?? [],
                at: term?.text[...])
        case .start where doesNameExist:
            isGuessing = true
            begin(.guess, for: fetch)
        case .start: finish(.none, path: [])
        }
    }

    /// Ends the innermost record with a result, and goes on in the one that includes it.
    ///
    /// - Parameter path: what led to the result, the includes and redirects to this record among it
    mutating func conclude(_ result: SPFResult, path: [SPFTerm]) {
        var result = result
        while let frame = frames.popLast() {
            guard frame.isIncluded, let outer = frames.last else {
                finish(result, path: path)
                return
            }
            guard result == .pass else {
                frames[frames.count - 1].next += 1
                return
            }
            result = outer.record.directives[outer.next].qualifier
        }
    }

    mutating func fail(_ cause: SPFProblem.Cause, in domain: [UInt8], at term: ArraySlice<UInt8>? = nil) {
        let problem = SPFProblem(cause: cause, domain: domain, term: term.map { Array($0.prefix(SPFTerm.longestText)) })
        finish(cause == .lookupFailed ? .temperror : .permerror, path: [], problem: problem)
    }

    private mutating func finish(_ result: SPFResult, path: [SPFTerm], problem: SPFProblem? = nil) {
        var outcome = SPFOutcome(
            result: result, grade: nil, scope: identity.scope,
            domain: identity.recordQuestion?.name ?? identity.domain, path: path, problem: problem,
            dependencies: dependencies)
        if isGuessing {
            outcome.result = .none
            outcome.problem = nil
            outcome.grade = result == .pass ? .guess : nil
        } else if result == .pass {
            outcome.grade = SPFGrade(path: path, client: identity.client)
        }
        self.outcome = outcome
        // A cache keeps the outcome, and nothing else of a long evaluation is held by a value that has ended.
        (answers, frames, fetch) = ([:], [], nil)
    }
}
