import Greylist

/// Reads greylistd's two files, which go together by a hash.
///
/// | file | line |
/// | --- | --- |
/// | `triplets` | `hash = ip [sender] recipient`, or `hash = ip` |
/// | `states` | `hash = last first count` in the sections `[white]`, `[grey]` and `[black]` |
///
/// Whichever comes first is kept in memory until the other one is read.
struct Greylistd {
    private struct State {
        let (last, first, count): (Int64, Int64, Int64)
        let isWhite: Bool
    }

    private enum Section {
        case none, white, grey, black, other
    }

    private var states: [Int64: State] = [:]
    private var triplets: [Int64: [UInt8]] = [:]
    private var section = Section.none

    /// Another file begins.
    mutating func begin() {
        section = .none
    }

    mutating func read(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let text = line.extracting(line.trimmed)
        if text.count == 0 || text[0] == UInt8(ascii: "#") { return outlet.skip() }
        if text[0] == UInt8(ascii: "["), let end = text.firstIndex(of: UInt8(ascii: "]")) {
            let name = text.extracting(1..<end)
            section =
                name.isSame(as: "white")
                ? .white
                : name.isSame(as: "grey")
                    ? .grey
                    : name.isSame(as: "black") ? .black : .other
            return outlet.skip()
        }
        if section == .other { return outlet.skip() }
        guard let equals = text.firstRange(of: " = "), let hash = text.extracting(0..<equals.lowerBound).integerOrHash
        else { return outlet.leaveOut(.malformed) }
        let value = text.extracting(equals.upperBound..<text.count)
        switch section {
        case .none: readTriplet(hash, value, &outlet)
        case .white, .grey: readState(hash, value, &outlet)
        // What an administrator has banned isn't greylisting's.
        case .black, .other: outlet.leaveOut(.noEquivalent, "an entry of the blacklist")
        }
    }

    /// All files are read: what is left has no counterpart.
    mutating func finish(_ outlet: inout Outlet) {
        for _ in 0..<(states.count + triplets.count) { outlet.leaveOut(.unpaired, at: 0) }
        self = Greylistd()
    }

    private mutating func readState(_ hash: Int64, _ value: Span<UInt8>, _ outlet: inout Outlet) {
        let words = value.words
        guard words.count == 3, let last = value.extracting(words[0]).integer,
            let first = value.extracting(words[1]).integer, let count = value.extracting(words[2]).integer
        else { return outlet.leaveOut(.malformed) }
        let state = State(last: last, first: first, count: count, isWhite: section == .white)
        if let triplet = triplets.removeValue(forKey: hash) {
            take(triplet, state, &outlet)
        } else if states[hash] != nil {
            outlet.leaveOut(.malformed, "the same hash again")
        } else if hasRoom(outlet) {
            states[hash] = state
        } else {
            outlet.leaveOut(.tooMany)
        }
    }

    private mutating func readTriplet(_ hash: Int64, _ value: Span<UInt8>, _ outlet: inout Outlet) {
        guard (1...3).contains(value.words.count) else { return outlet.leaveOut(.malformed) }
        if let state = states.removeValue(forKey: hash) {
            take(value.array, state, &outlet)
        } else if triplets[hash] != nil {
            outlet.leaveOut(.malformed, "the same hash again")
        } else if value.count <= 3 * Outlet.longestMailbox, hasRoom(outlet) {
            triplets[hash] = value.array
        } else {
            outlet.leaveOut(value.count > 3 * Outlet.longestMailbox ? .mailboxTooLong : .tooMany)
        }
    }

    private func hasRoom(_ outlet: Outlet) -> Bool {
        states.count + triplets.count < outlet.options.mostJoined
    }

    private func take(_ triplet: [UInt8], _ state: State, _ outlet: inout Outlet) {
        let text = triplet.span
        let words = text.words
        guard let client = ClientText.network(text.extracting(words[0])) else {
            return outlet.leaveOut(.address, lines: 2, shown(text))
        }
        let (first, last) = (Timestamp(seconds: state.first), Timestamp(seconds: state.last))
        guard words.count > 1 else {
            // With "singleupdate" it is the client alone that has passed.
            guard state.isWhite else { return outlet.leaveOut(.noEquivalent, lines: 2, "a client without a recipient") }
            let count = ImportedClient.Count.total(UInt32(clamping: state.count))
            return outlet.take(ImportedClient(client: client, count: count, first: first, last: last), lines: 2)
        }
        let sender = words.count == 3 ? text.extracting(words[1]) : text.extracting(0..<0)
        let recipient = text.extracting(words[words.count - 1])
        // A first attempt is remembered from its first time on.
        let times = ImportedTimes(first: first, last: state.isWhite ? last : first, hasPassed: state.isWhite)
        outlet.take(
            client: client, sender: sender.extracting(sender.withoutBrackets),
            recipient: recipient.extracting(recipient.withoutBrackets), times: times, lines: 2)
    }
}

extension Span<UInt8> {
    /// One of Python's hashes: 64 bits with a sign.
    fileprivate var integerOrHash: Int64? { integer ?? (count <= 20 ? Int64(text) : nil) }
}
