import Bytes
import JSONText
import Whitelists

/// Reads whitelists of the original's form: a JSON object whose keys are names of lists and whose values are lists of
/// entries.
///
/// Comments and trailing commas are allowed. What is malformed is skipped, and the rest stand.
struct JSONWhitelist {
    let path: String
    let options: SourceOptions

    init(path: String, options: SourceOptions) {
        self.path = bareOrQuoted(path)
        self.options = options
    }

    func read<Sink>(_ bytes: [UInt8], into collector: EntryCollector<Sink>) throws(WhitelistError) {
        // As the original has it, a list that stands twice counts as it stands last; that shows only at the end.
        let repeated = try read(bytes, without: [:], into: collector)
        guard !repeated.isEmpty else { return }
        collector.restart()
        _ = try read(bytes, without: repeated, into: collector)
    }

    /// Reads all lists but those with the numbers in `replaced`, for each of which the line is known where it stands
    /// again; returns the numbers and lines of such ones.
    private func read<Sink>(
        _ bytes: [UInt8], without replaced: [Int: Int], into collector: EntryCollector<Sink>
    ) throws(WhitelistError) -> [Int: Int] {
        let root: JSONNode
        do throws(JSONError) {
            var parser = try JSONParser(bytes)
            if parser.isAtObject {
                let repeated = try readLists(&parser, without: replaced, into: collector)
                try parser.end()
                return repeated
            }
            root = try parser.value()
            try parser.end()
        } catch {
            throw fault(error, in: bytes)
        }
        let found = "\(root.content.found) at column \(root.column)"
        throw WhitelistError("\(path):\(root.line): \(found) is not an object of lists ({\"friends\": []})")
    }

    private func fault(_ fault: JSONError, in bytes: [UInt8]) -> WhitelistError {
        let first = bytes.first { $0 > 0x20 }
        let isForeign = first.map { $0.isLetterOrDigit || $0 == UInt8(ascii: "#") } ?? false
        let hint = "a list with an entry a line is named as postgrey-clients:// or postgrey-recipients://"
        let remedy = (fault.remedy ?? (isForeign ? hint : nil)).map { " (\($0))" } ?? ""
        return WhitelistError("\(path):\(fault.line): \(fault)\(remedy)")
    }

    private func readLists<Sink>(
        _ parser: inout JSONParser, without replaced: [Int: Int], into collector: EntryCollector<Sink>
    ) throws(JSONError) -> [Int: Int] {
        var numbers: [String: Int] = [:]
        var repeated: [Int: Int] = [:]
        var number = 0
        try parser.forEachMember { (parser, key, line) throws(JSONError) in
            let location = "\(path):\(line)(\(named(key)))"
            if let again = replaced[number] {
                collector.report(of: location, "a list of that name stands in line \(again) again")
                _ = try parser.value()
            } else {
                if let former = numbers.updateValue(number, forKey: key) { repeated[former] = line }
                try readList(ListName(key), at: location, &parser, into: collector)
            }
            number += 1
        }
        return repeated
    }

    private func readList<Sink>(
        _ name: ListName, at location: String, _ parser: inout JSONParser, into collector: EntryCollector<Sink>
    ) throws(JSONError) {
        guard parser.isAtArray else {
            let value = try parser.value()
            return collector.report(of: location, "\(value.content.found) is not an array of entries")
        }
        collector.begin(name)
        if let remark = hiddenText(name.name) { collector.note(at: location, "the name of the list \(remark)") }
        var (index, hadRoom) = (0, true)
        try parser.forEachElement { node in
            let hasRoom = index < WhitelistLimits.list && collector.hasRoom
            if hasRoom {
                read(node, index: index, of: name, into: collector)
            } else if hadRoom {
                collector.report(of: location, "entry \(index) and all after it: there are too many")
            }
            hadRoom = hasRoom
            index += 1
        }
    }

    /// Reads an entry; its location is `PATH:LINE(LIST:NAME)`, or without a name `PATH:LINE(LIST[INDEX])`.
    private func read<Sink>(_ node: JSONNode, index: Int, of list: ListName, into collector: EntryCollector<Sink>) {
        guard case .object(let members) = node.content else {
            let location = "\(path):\(node.line)(\(list.shown)[\(index)])"
            return collector.report(of: location, "\(node.content.found) is not an entry ({\"type\": ...})")
        }
        let entry = EntryMembers(members: members)
        func location() -> String {
            let own = entry.ownName.map { ":\(named($0))" } ?? "[\(index)]"
            return "\(path):\(node.line)(\(list.shown)\(own))"
        }
        var notes: [String] = []
        do {
            let read = try entry.entry(options, index: index, line: node.line, notes: &notes)
            for note in notes { collector.note(at: location(), note) }
            collector.add(read, list: list, at: location())
        } catch {
            collector.report(of: location(), error.message)
        }
    }
}
