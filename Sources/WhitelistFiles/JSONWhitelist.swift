import JSONText
import Whitelists

/// Reads whitelists of the original's form: a JSON object whose keys are names of lists and whose values are lists of
/// entries.
///
/// Comments and trailing commas are allowed. What is malformed is skipped, and the rest stand.
struct JSONWhitelist {
    let path: String
    let terms: SourceTerms

    init(path: String, terms: SourceTerms) {
        self.path = bareOrQuoted(path)
        self.terms = terms
    }

    func read<Sink>(_ bytes: [UInt8], into gathering: Gathering<Sink>) throws(WhitelistFault) {
        // As the original has it, a list that stands twice counts as it stands last; that shows only at the end.
        let repeated = try read(bytes, without: [:], into: gathering)
        guard !repeated.isEmpty else { return }
        gathering.restart()
        _ = try read(bytes, without: repeated, into: gathering)
    }

    /// Reads all lists but those with the numbers in `replaced`, for each of which the line is known where it stands
    /// again; returns the numbers and lines of such ones.
    private func read<Sink>(
        _ bytes: [UInt8], without replaced: [Int: Int], into gathering: Gathering<Sink>
    ) throws(WhitelistFault) -> [Int: Int] {
        let root: JSONNode
        do throws(JSONFault) {
            var parser = try JSONParser(bytes)
            if parser.isAtObject {
                let repeated = try readLists(&parser, without: replaced, into: gathering)
                try parser.end()
                return repeated
            }
            root = try parser.value()
            try parser.end()
        } catch {
            throw fault(error, in: bytes)
        }
        let found = "\(root.content.found) at column \(root.column)"
        throw WhitelistFault("\(path):\(root.line): \(found) is not an object of lists ({\"friends\": []})")
    }

    private func fault(_ fault: JSONFault, in bytes: [UInt8]) -> WhitelistFault {
        let first = bytes.first { $0 > 0x20 }
        let isForeign = first.map { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "#") } ?? false
        let hint = "a list with an entry a line is named as postgrey-clients:// or postgrey-recipients://"
        let remedy = (fault.remedy ?? (isForeign ? hint : nil)).map { " (\($0))" } ?? ""
        return WhitelistFault("\(path):\(fault.line): \(fault.sentence)\(remedy)")
    }

    private func readLists<Sink>(
        _ parser: inout JSONParser, without replaced: [Int: Int], into gathering: Gathering<Sink>
    ) throws(JSONFault) -> [Int: Int] {
        var numbers: [String: Int] = [:]
        var repeated: [Int: Int] = [:]
        var number = 0
        try parser.forEachMember { (parser, key, line) throws(JSONFault) in
            let place = "\(path):\(line)(\(named(key)))"
            if let again = replaced[number] {
                gathering.complain(of: place, "a list of that name stands in line \(again) again")
                _ = try parser.value()
            } else {
                if let former = numbers.updateValue(number, forKey: key) { repeated[former] = line }
                try readList(ListName(key), at: place, &parser, into: gathering)
            }
            number += 1
        }
        return repeated
    }

    private func readList<Sink>(
        _ name: ListName, at place: String, _ parser: inout JSONParser, into gathering: Gathering<Sink>
    ) throws(JSONFault) {
        guard parser.isAtArray else {
            let value = try parser.value()
            return gathering.complain(of: place, "\(value.content.found) is not a list of entries")
        }
        gathering.begin(name)
        if let remark = hiddenText(name.name) { gathering.note(at: place, "the name of the list \(remark)") }
        var (index, hadRoom) = (0, true)
        try parser.forEachElement { node in
            let hasRoom = index < WhitelistLimits.list && gathering.hasRoom
            if hasRoom {
                read(node, index: index, of: name, into: gathering)
            } else if hadRoom {
                gathering.complain(of: place, "entry \(index) and all after it: there are too many")
            }
            hadRoom = hasRoom
            index += 1
        }
    }

    /// Reads an entry; its place is `PATH:LINE(LIST:NAME)`, or without a name `PATH:LINE(LIST[INDEX])`.
    private func read<Sink>(_ node: JSONNode, index: Int, of list: ListName, into gathering: Gathering<Sink>) {
        guard case .object(let members) = node.content else {
            let place = "\(path):\(node.line)(\(list.shown)[\(index)])"
            return gathering.complain(of: place, "\(node.content.found) is not an entry ({\"type\": ...})")
        }
        let entry = EntryMembers(members: members)
        func place() -> String {
            let own = entry.ownName.map { ":\(named($0))" } ?? "[\(index)]"
            return "\(path):\(node.line)(\(list.shown)\(own))"
        }
        var notes: [String] = []
        do {
            let read = try entry.entry(terms, index: index, line: node.line, notes: &notes)
            for note in notes { gathering.note(at: place(), note) }
            gathering.add(read, list: list, at: place())
        } catch {
            gathering.complain(of: place(), error.sentence)
        }
    }
}
