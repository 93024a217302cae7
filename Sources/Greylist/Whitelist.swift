/// Who is not greylisted, by the administrator's word.
///
/// A value: a reload makes a new one and swaps it in whole.
public struct Whitelist: Sendable {
    /// What an entry looks at.
    public enum Pattern: Sendable, Equatable {
        case client(Network)
        case recipient(AddressLiteral)
        case sender(AddressLiteral)
    }

    /// One entry, with what is needed to find it again.
    public struct Entry: Sendable, Equatable {
        /// What it looks at.
        public var pattern: Pattern
        /// Its place: source, list, and its name or number in the list.
        public var place: String

        /// An entry and its place.
        public init(_ pattern: Pattern, place: String) {
            self.pattern = pattern
            self.place = place
        }
    }

    private let entries: [Entry]
    private var clients = NetworkTable()
    private var recipients = AddressTable()
    private var senders = AddressTable()

    /// A whitelist of these entries; none by default.
    public init(_ entries: [Entry] = []) {
        self.entries = entries
        for (number, entry) in entries.enumerated() {
            switch entry.pattern {
            case .client(let network): clients.add(network, number: number)
            case .recipient(let literal): recipients.add(literal, number: number)
            case .sender(let literal): senders.add(literal, number: number)
            }
        }
    }

    /// How many entries there are.
    public var count: Int { entries.count }

    /// The entry that decides: client networks first, then recipients, then senders; within a kind the earliest entry.
    public func match(_ envelope: Envelope) -> Entry? {
        if let number = clients.lowestNumber(holding: envelope.client) { return entries[number] }
        if !recipients.isEmpty, let number = envelope.readRecipient(recipients.lowestNumber) { return entries[number] }
        if !senders.isEmpty, let number = envelope.readSender(senders.lowestNumber) { return entries[number] }
        return nil
    }
}
