import Bytes
import Engine
import GRDB
import Greylist
import Storage

/// Records decisions in one transaction.
struct DecisionRecorder {
    /// How many attempts of a case have a row of their own; more are counted by the day.
    static let singleRows: Int64 = 64

    /// How many cases were begun.
    private(set) var cases = 0
    /// How many decisions were recorded.
    private(set) var attempts = 0
    /// How many bytes of text they had.
    private(set) var textBytes = 0

    private let kept: KeptAddresses
    /// By the key of what is new, and by those of what was recorded before.
    private var digests: [MailDigests]
    private let database: Database
    private let findCases: Statement
    private let findExactCase: Statement
    private let insertCase: Statement
    private let updateCase: Statement
    private let passCase: Statement
    private let updateSeen: Statement
    private let rewriteCase: Statement
    private let moveCase: Statement
    private let insertAttempt: Statement
    private let countAttempt: Statement

    /// A recorder for that transaction.
    init(_ database: Database, keeping kept: KeptAddresses, digests: [MailDigests]) throws {
        self.kept = kept
        self.digests = digests
        self.database = database
        let ofMail = "FROM cases WHERE sender_key = ? AND recipient_key = ?"
        findCases = try database.cachedStatement(
            sql: """
                SELECT \(CandidateCase.columns) \(ofMail) ORDER BY first_attempt DESC LIMIT \(CandidateCase.limit)
                """)
        findExactCase = try database.cachedStatement(
            sql: "SELECT \(CandidateCase.columns) \(ofMail) AND first_attempt BETWEEN ? AND ? LIMIT 1")
        insertCase = try database.cachedStatement(
            sql: """
                INSERT INTO cases (sender, recipient, sender_domain, organisation, network, networks, names, first_attempt,
                    last_attempt, attempts, deferrals, may_pass_at, passed_at, waited, reason, first_pass, delay, proof,
                    matched, observed, sender_key, recipient_key)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        updateCase = try database.cachedStatement(
            sql: """
                UPDATE cases SET last_attempt = ?, attempts = attempts + 1, deferrals = deferrals + ?, may_pass_at = ?,
                    observed = CASE WHEN ? THEN ? ELSE observed END, organisation = ?, proof = ?
                WHERE id = ?
                """)
        passCase = try database.cachedStatement(
            sql: """
                UPDATE cases SET passed_at = ?, waited = ?, reason = ?, first_pass = ?, delay = ?, matched = ? WHERE id = ?
                """)
        updateSeen = try database.cachedStatement(sql: "UPDATE cases SET networks = ?, names = ? WHERE id = ?")
        rewriteCase = try database.cachedStatement(
            sql: "UPDATE cases SET sender = ?, recipient = ?, sender_domain = ?, names = ? WHERE id = ?")
        moveCase = try database.cachedStatement(sql: "UPDATE cases SET sender_key = ?, recipient_key = ? WHERE id = ?")
        let columns = """
            (case_id, time, action, reason, first_pass, client_address, client_name, helo, sender, recipient, organisation,
                proof, matched, wait, delay, dns_ms, entry, observed, count, last_time, day)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
            """
        insertAttempt = try database.cachedStatement(sql: "INSERT INTO attempts \(columns)")
        countAttempt = try database.cachedStatement(
            sql: """
                INSERT INTO attempts \(columns)
                ON CONFLICT (case_id, day, action, reason, first_pass) WHERE day IS NOT NULL
                DO UPDATE SET count = count + 1, last_time = max(last_time, excluded.last_time)
                """)
    }

    /// Records a decision.
    mutating func record(_ decision: NotedDecision, of batch: DecisionBatch) throws {
        let keys = keys(of: decision, batch, by: 0)
        let texts = AttemptTexts(decision, of: batch, keys, keeping: kept)
        let facts = AttemptFacts(
            time: decision.time.seconds, reason: decision.reason, isDeferral: decision.isDeferral,
            delay: decision.delay, organisation: texts.organisation, network: keys.network)
        let id: Int64
        var isCounted = decision.reason.isUsual
        var (otherSender, otherRecipient): (String?, String?) = (nil, nil)
        if let known = try candidate(for: facts, keys) ?? move(decision, of: batch, facts, texts, to: keys) {
            id = known.id
            if known.attempts >= Self.singleRows, decision.reason != .retried { isCounted = true }
            try update(known, by: decision, facts, texts)
            if texts.sender != known.sender { otherSender = texts.sender }
            if texts.recipient != known.recipient { otherRecipient = texts.recipient }
        } else {
            id = try insert(decision, facts, texts, keys)
            cases += 1
        }
        try (isCounted ? countAttempt : insertAttempt).execute(arguments: [
            id, facts.time, decision.isDeferral ? "greylist" : "pass", decision.reason.word,
            decision.reason.isFirstPass, texts.clientAddress, texts.clientName, texts.helo, otherSender,
            otherRecipient, texts.organisation, decision.proof.map { "\($0.word)" },
            decision.matched.map { "\($0.word)" }, decision.wait, decision.delay, decision.dnsMilliseconds,
            texts.entry, decision.isObserved, facts.time, isCounted ? facts.time.day : nil,
        ])
        attempts += 1
        textBytes += texts.count
    }

    /// The keys of a decision, by the digests of that position.
    private mutating func keys(of decision: NotedDecision, _ batch: DecisionBatch, by position: Int) -> MailKeys {
        digests[position].keys(
            client: batch.text(.clientAddress, of: decision), sender: batch.text(.sender, of: decision),
            recipient: batch.text(.recipient, of: decision))
    }

    /// The case that it belongs to, where that was begun under a key which is no longer used for what is new: from now on it
    /// is found by the one that is.
    private mutating func move(
        _ decision: NotedDecision, of batch: DecisionBatch, _ facts: AttemptFacts, _ texts: AttemptTexts,
        to keys: MailKeys
    ) throws -> CandidateCase? {
        for position in digests.indices.dropFirst() {
            let former = self.keys(of: decision, batch, by: position)
            guard var known = try candidate(for: facts, former) else { continue }
            try moveCase.execute(arguments: [keys.sender, keys.recipient, known.id])
            guard kept == .hashed else { return known }
            // The digests that stand for the addresses are others, too.
            (known.sender, known.recipient) = (texts.sender, texts.recipient)
            try rewriteCase.execute(arguments: [texts.sender, texts.recipient, texts.senderDomain, nil, known.id])
            return known
        }
        return nil
    }

    /// The case that it belongs to; nil where it begins one.
    private func candidate(for facts: AttemptFacts, _ keys: MailKeys) throws -> CandidateCase? {
        var candidates: [CandidateCase] = []
        let rows = try Row.fetchCursor(findCases, arguments: [keys.sender, keys.recipient])
        while let row = try rows.next() { candidates.append(CandidateCase(row)) }
        if candidates.count == CandidateCase.limit, let delay = facts.delay {
            let first = facts.time - delay
            let row = try Row.fetchOne(
                findExactCase, arguments: [keys.sender, keys.recipient, first - 1, first + 1])
            if let row { return CandidateCase(row) }
        }
        return candidates.position(of: facts).map { candidates[$0] }
    }
}

extension DecisionRecorder {
    private func insert(
        _ decision: NotedDecision, _ facts: AttemptFacts, _ texts: AttemptTexts, _ keys: MailKeys
    ) throws -> Int64 {
        // Where greylisting knows of a first attempt that the history doesn't, there was one more, which waited.
        let (first, unseen): (Int64, Int64) = facts.delay.map { (facts.time - $0, 1) } ?? (facts.time, 0)
        let passes = !facts.isDeferral
        let waited = unseen > 0 && passes && !decision.isObserved ? facts.delay : nil
        try insertCase.execute(arguments: [
            texts.sender, texts.recipient, texts.senderDomain, texts.organisation, keys.network,
            nil, SeenTexts(listing: texts.listedName).json, first, facts.time, 1 + unseen,
            unseen + (passes ? 0 : 1), decision.promise, passes ? facts.time : nil, waited,
            passes ? decision.reason.word : nil, passes && decision.reason.isFirstPass, passes ? decision.delay : nil,
            decision.proof.map { "\($0.word)" }, decision.matched.map { "\($0.word)" }, decision.isObserved,
            keys.sender, keys.recipient,
        ])
        return database.lastInsertedRowID
    }

    private func update(
        _ known: CandidateCase, by decision: NotedDecision, _ facts: AttemptFacts, _ texts: AttemptTexts
    ) throws {
        let tellsMore = decision.proof.map { proof in known.proof.map { $0 < proof } ?? true } ?? false
        let hasOrganisation = !facts.organisation.isEmpty && (tellsMore || known.organisation.isEmpty)
        try updateCase.execute(arguments: [
            max(known.lastAttempt, facts.time), facts.isDeferral ? 1 : 0, decision.promise ?? known.mayPassAt,
            facts.isDeferral, decision.isObserved, hasOrganisation ? facts.organisation : known.organisation,
            (tellsMore ? decision.proof : known.proof).map { "\($0.word)" }, known.id,
        ])
        if !facts.isDeferral, known.passedAt == nil {
            // Of a pass that wasn't recorded nobody knows when it was.
            let isKnown = known.deferrals > 0 && !decision.isObserved && decision.reason != .known
            try passCase.execute(arguments: [
                facts.time, isKnown ? max(0, facts.time - known.firstAttempt) : nil, decision.reason.word,
                decision.reason.isFirstPass, decision.delay, decision.matched.map { "\($0.word)" }, known.id,
            ])
        }
        var (networks, names) = (known.networks, known.names)
        let (hasNetwork, hasName) = (networks.insert(facts.network), names.insert(texts.listedName))
        if hasNetwork || hasName { try updateSeen.execute(arguments: [networks.json, names.json, known.id]) }
        if kept.isOther(thanThatOf: known.sender) || kept.isOther(thanThatOf: known.recipient) {
            try rewriteCase.execute(arguments: [
                texts.sender, texts.recipient, texts.senderDomain, kept == .hashed ? nil : names.json, known.id,
            ])
        }
    }
}

/// The texts of an attempt as they are kept.
struct AttemptTexts {
    let clientAddress: String
    /// In lower case, to be found.
    let clientName: String
    /// Nil where it is the name.
    let helo: String?
    let sender: String
    let senderDomain: String
    let recipient: String
    let organisation: String
    let entry: String

    /// Those of a decision.
    init(_ decision: NotedDecision, of batch: DecisionBatch, _ keys: MailKeys, keeping kept: KeptAddresses) {
        let hasClient = kept != .hashed
        clientAddress = hasClient ? String(shown: batch.text(.clientAddress, of: decision)) : keys.network
        clientName = hasClient ? String(shown: batch.text(.clientName, of: decision), isLowercased: true) : ""
        let helo = hasClient ? String(shown: batch.text(.helo, of: decision)) : ""
        self.helo = helo == clientName ? nil : helo
        let (sender, recipient) = (batch.text(.sender, of: decision), batch.text(.recipient, of: decision))
        self.sender = kept.text(of: sender, digest: keys.sender)
        self.recipient = kept.text(of: recipient, digest: keys.recipient)
        senderDomain = kept == .hashed ? "" : String(shown: sender.domain, isLowercased: true)
        organisation = String(shown: batch.text(.organisation, of: decision))
        entry = String(shown: batch.text(.entry, of: decision))
    }

    /// The name, where it is one.
    var listedName: String { clientName == "unknown" ? "" : clientName }

    /// How many bytes they have.
    var count: Int {
        clientAddress.utf8.count + 2 * clientName.utf8.count + (helo?.utf8.count ?? 0) + sender.utf8.count
            + senderDomain.utf8.count + recipient.utf8.count + 2 * organisation.utf8.count + entry.utf8.count
    }
}

extension KeptAddresses {
    /// What is kept of an address; of the null sender nothing.
    fileprivate func text(of address: ArraySlice<UInt8>, digest: Int64) -> String {
        if address.isEmpty { return "" }
        return switch self {
        case .full: String(shown: address, isLowercased: true)
        case .domain: "@" + String(shown: address.domain, isLowercased: true)
        case .hashed: digest.digestText
        }
    }

    /// Whether a text that was kept of an address is in another form than these are kept in.
    fileprivate func isOther(thanThatOf text: String) -> Bool {
        if text.isEmpty { return false }
        let form: KeptAddresses =
            text.utf8.first == UInt8(ascii: "@") ? .domain : Int64(digestText: text) != nil ? .hashed : .full
        return form != self
    }
}

extension ArraySlice<UInt8> {
    /// What follows the last `@`; nothing where there is none.
    fileprivate var domain: ArraySlice<UInt8> {
        lastIndex(of: UInt8(ascii: "@")).map { self[($0 + 1)...] } ?? self[endIndex...]
    }
}

extension NotedDecision {
    /// From when on the sender was told that it may pass; nil where nothing was remembered of the attempt.
    fileprivate var promise: Int64? {
        switch reason {
        case .new, .early: wait.map { time.seconds + $0 }
        default: nil
        }
    }
}

extension ReasonCode {
    /// Whether there are many such passes, of which one says as much as all of a day.
    fileprivate var isUsual: Bool {
        switch self {
        case .known, .autoWhitelisted, .nullSender, .clientWhitelist, .heloWhitelist, .recipientWhitelist,
            .senderWhitelist, .whitelist:
            true
        default: false
        }
    }
}

extension Int64 {
    /// The day of a moment, counted from 1970.
    var day: Int64 { self >= 0 ? self / 86_400 : (self - 86_399) / 86_400 }
}
