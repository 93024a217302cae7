import Bytes

/// The shared and tenant identities of all files, the vendor's first and the administrator's last.
public struct SharedIdentities: Sendable {
    /// An entry that is in force.
    public struct Entry: Sendable {
        /// What it says.
        public let kind: SharedIdentityFile.Kind
        /// The domain, in lower case and A-labels.
        public let domain: String
        /// Its reason, as the file gives it; may be empty.
        public let comment: String
        /// The file and the line.
        public let location: String
    }

    /// What is known of a domain.
    struct Mark: OptionSet {
        let rawValue: UInt8

        /// A shared identity.
        static let shared = Mark(rawValue: 1)
        /// Names directly below it are organisations of their own.
        static let tenant = Mark(rawValue: 2)
        /// There is a tenant suffix below it.
        static let aboveTenant = Mark(rawValue: 4)
    }

    /// What is in force, in the order of the files.
    public let entries: [Entry]
    /// What is wrong, a sentence each: the faults of the files, and removals that remove nothing.
    public let faults: [String]
    private let table: NameTable
    /// What is known of the names in the table.
    private let marks: [Mark]
    /// The entry of each, where it is more than a name above an entry.
    private let numbers: [Int?]

    /// No entries: every organisation stands for its own senders.
    public init() {
        self.init([])
    }

    /// The entries of files; where two have the same domain, the later file counts.
    public init(_ files: [SharedIdentityFile]) {
        var faults: [String] = []
        var found: [[UInt8]: Entry] = [:]
        var order: [[UInt8]] = []
        for file in files {
            faults += file.faults
            for line in file.lines {
                let name = String(decoding: line.domain, as: UTF8.self)
                let location = "\(file.path):\(line.number)"
                guard let kind = line.kind else {
                    if found.removeValue(forKey: line.domain) == nil {
                        faults.append("\(location): no file before has \(name), so there is nothing to take out")
                    }
                    continue
                }
                found[line.domain] = Entry(kind: kind, domain: name, comment: line.comment, location: location)
                order.append(line.domain)
            }
        }
        var names: [[UInt8]] = []
        var (marks, numbers, entries): ([Mark], [Int?], [Entry]) = ([], [], [])
        for name in order {
            guard let entry = found.removeValue(forKey: name) else { continue }
            names.append(name)
            marks.append(entry.kind == .shared ? .shared : .tenant)
            numbers.append(entries.count)
            entries.append(entry)
        }
        var places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        for (name, mark) in zip(names, marks) where mark == .tenant {
            for parent in name.parents {
                if let place = places[parent] {
                    marks[place].insert(.aboveTenant)
                } else {
                    places[parent] = names.count
                    names.append(parent)
                    marks.append(.aboveTenant)
                    numbers.append(nil)
                }
            }
        }
        self.entries = entries
        self.faults = faults
        self.marks = marks
        self.numbers = numbers
        table = NameTable(names)
    }

    /// What is known of a domain in lower case and A-labels.
    func mark(of domain: Span<UInt8>) -> Mark {
        table[domain].map { marks[$0] } ?? []
    }

    /// The entry of a domain in lower case and A-labels; nil where there is none.
    public func entry(for domain: Span<UInt8>) -> Entry? {
        guard let place = table[domain], let number = numbers[place] else { return nil }
        return entries[number]
    }

    /// What is to be said of entries that can't match, a sentence each: shared domains that are not organisations.
    public func remarks(by suffixes: PublicSuffixList) -> [String] {
        let organisations = Organisations(suffixes: suffixes, shared: self)
        return entries.filter { $0.kind == .shared }.compactMap { entry in
            let name = Array(entry.domain.utf8)
            let start = organisations.place(of: name.span).start
            guard start > 0 else { return nil }
            let organisation = String(decoding: name[start...], as: UTF8.self)
            return "\(entry.location): \(entry.domain) never matches, its organisation is \(organisation) "
                + "(write shared \(organisation))"
        }
    }
}

extension [UInt8] {
    /// The names above a name, the nearest first.
    fileprivate var parents: [[UInt8]] {
        indices.filter { self[$0] == UInt8(ascii: ".") }.map { Array(self[($0 + 1)...]) }
    }
}
