import JSONText
public import Whitelists

/// Which entry of a list is meant.
public enum EntryChoice: Sendable {
    /// The one of that name.
    case name(String)
    /// The one of that number, from 0 as locations have it.
    case number(Int)
    /// The one with that condition, whatever else it says.
    case condition(Condition)
}

/// An entry in a list, as far as it can be read.
struct EntryCandidate {
    /// What it says; nil where it is malformed.
    let entry: WhitelistEntry?
    /// Its name, even then.
    let name: String?
}

extension [EntryCandidate] {
    /// The number of the entry that is meant; nil where there is none.
    ///
    /// - Throws: a sentence where there are several
    func number(of choice: EntryChoice) throws(EntryError) -> Int? {
        let numbers = indices.filter { number in
            switch choice {
            case .name(let name): self[number].name == name
            case .number(let wanted): number == wanted
            case .condition(let condition): self[number].entry?.condition == condition
            }
        }
        guard numbers.count < 2 else {
            let list = numbers.map(String.init).joined(separator: ", ")
            throw EntryError("several entries are meant (\(list)): name one by --number")
        }
        return numbers.first
    }

    /// Whether an entry is there already.
    ///
    /// - Throws: a sentence where another one has its name
    func holds(_ entry: WhitelistEntry) throws(EntryError) -> Bool {
        let isThere = contains { other in
            guard let other = other.entry else { return false }
            return other.condition == entry.condition && other.effect == entry.effect && other.expires == entry.expires
                && (entry.name == nil || other.name == entry.name)
        }
        if !isThere, let name = entry.name, contains(where: { $0.name == name }) {
            throw EntryError("another entry is called \(named(name)): remove it first, or choose another name")
        }
        return isThere
    }
}
