import Greylist
import JSONText
import Whitelists

/// Reads a table of cidr_table(5), as postwhite makes it and postscreen reads it: a network and a result a line.
///
/// The first line that matches decides there, as the first entry does here: `permit` and `OK` let pass; what is to be
/// `dunno` or `reject` before a wider network that passes is an exception to that, and is greylisted. Other results, negated
/// patterns and the lines between `if` and `endif` have no equivalent, and are reported.
struct CIDRTable {
    let path: String
    let options: SourceOptions

    init(path: String, options: SourceOptions) {
        self.path = bareOrQuoted(path)
        self.options = options
    }

    func read<Sink>(_ bytes: [UInt8], into collector: EntryCollector<Sink>) {
        if let form = foreignForm(bytes) { return collector.report(of: path, form) }
        var state = State()
        var (number, start) = (0, bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            guard collector.hasRoom else {
                return collector.report(of: "\(path):\(number)", "this and all further lines: there are too many")
            }
            let location = "\(path):\(number)"
            do throws(EntryError) {
                try read(bytes[start..<end], number, &state, at: location, into: collector)
            } catch {
                collector.report(of: location, error.message)
            }
            start = end + 1
        }
        if state.depth > 0 { collector.report(of: path, "an \"if\" has no \"endif\"") }
    }

    /// What is said of a file that has another form as a whole; nil where it hasn't.
    private func foreignForm(_ bytes: [UInt8]) -> String? {
        guard bytes.first(where: { $0 > 0x20 && $0 < 0x80 }) == UInt8(ascii: "{") else { return nil }
        return "it is JSON: name it as file:// (in a directory: NAME.json)"
    }

    /// What earlier lines say of later ones.
    private struct State {
        /// How many `if` are open.
        var depth = 0
        /// Whether there was a line that an indented one goes on with.
        var hasLine = false
    }

    private func read<Sink>(
        _ line: ArraySlice<UInt8>, _ number: Int, _ state: inout State, at location: String,
        into collector: EntryCollector<Sink>
    ) throws(EntryError) {
        let words = line.split { $0 == 0x20 || (0x09...0x0d).contains($0) }
        guard let first = words.first, first.first != UInt8(ascii: "#") else { return }
        // An indented line belongs to the one before it: more of its result.
        if line.first == 0x20 || line.first == 0x09, state.hasLine { return }
        state.hasLine = true
        guard let word = String(validating: first, as: UTF8.self) else { throw EntryError("it is not UTF-8") }
        switch word.lowercased() {
        case "if":
            state.depth += 1
            throw EntryError("\"if\" has no equivalent here: the lines up to its \"endif\" are left out")
        case "endif":
            state.depth = max(0, state.depth - 1)
            return
        default: if state.depth > 0 { return }
        }
        guard !word.hasPrefix("!") else {
            throw EntryError("\(shortened(word)): a negated pattern has no equivalent here")
        }
        guard words.count > 1 else { throw EntryError("malformed line (expected a network and a result)") }
        let effect = try effect(words[1])
        var reader = SlotReader(.json)
        let condition = Condition.client(try network(word, &reader))
        if let note = try ListScreening(options: options).check(condition, effect) { reader.note(note) }
        for note in reader.notes { collector.note(at: location, note) }
        collector.add(WhitelistEntry(condition, effect: effect, index: number - 1, line: number), at: location)
    }

    private func network(_ word: String, _ reader: inout SlotReader) throws(EntryError) -> Network {
        guard let text = NetworkText(word) else {
            throw EntryError("\(shortened(word)) is not an address or network\(NetworkText.advice(on: word))")
        }
        let longest = text.address.family.rawValue
        switch text.length {
        case .none: return reader.network(text, bits: longest, written: word)
        case .bits(let bits): return reader.network(text, bits: bits, written: word)
        case .invalid: throw EntryError("\(shortened(word)) has no prefix length up to \(longest)")
        }
    }

    private func effect(_ word: ArraySlice<UInt8>) throws(EntryError) -> WhitelistEntry.Effect {
        let result = String(decoding: word, as: UTF8.self)
        switch result.lowercased() {
        case "permit", "ok": return .pass
        case "dunno", "reject": return .greylist
        default:
            throw EntryError(
                "the result \(shortened(result)) has no equivalent here (permit, OK, dunno and reject have)")
        }
    }
}
