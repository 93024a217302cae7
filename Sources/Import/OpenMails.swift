/// The senders of the mails that are in the queue by now, at most so many: the oldest are forgotten first.
struct OpenMails {
    /// Who sent a mail.
    enum Sender: Equatable {
        /// Somebody here.
        case ours([UInt8])
        /// Somebody else.
        case elsewhere
        /// Nobody.
        case null
        /// It can't be read.
        case invalid
    }

    private struct Mail {
        let sender: Sender
        let number: Int
        var isJoined: Bool
    }

    private let most: Int
    private var mails: [[UInt8]: Mail] = [:]
    /// The names in the order in which they came, with what is gone or came again later.
    private var order: [(name: [UInt8], number: Int)] = []
    private var oldest = 0
    private var last = 0
    /// How many were forgotten while they were open.
    private(set) var forgotten = 0

    init(most: Int) {
        self.most = most
    }

    /// How many are open.
    var count: Int { mails.count }

    /// How many names are kept, those of mails that are gone included.
    var kept: Int { order.count }

    /// A mail has come into the queue, or is tried again.
    mutating func open(_ name: [UInt8], _ sender: Sender) {
        last += 1
        let before = mails[name]
        let isJoined = before?.isJoined == true && before?.sender == sender
        mails[name] = Mail(sender: sender, number: last, isJoined: isJoined)
        order.append((name, last))
        while mails.count > most { forgetOldest() }
        if order.count > 2 * most + 64 {
            order = order[oldest...].filter { mails[$0.name]?.number == $0.number }
            oldest = 0
        }
    }

    /// A mail has left the queue.
    mutating func close(_ name: [UInt8]) { mails[name] = nil }

    /// Who sent a mail; nil where that isn't known.
    func sender(of name: [UInt8]) -> Sender? { mails[name]?.sender }

    /// Marks a mail as one that has taught something; false where it was marked already.
    mutating func join(_ name: [UInt8]) -> Bool {
        guard mails[name]?.isJoined == false else { return false }
        mails[name]?.isJoined = true
        return true
    }

    private mutating func forgetOldest() {
        while oldest < order.count {
            let (name, number) = order[oldest]
            oldest += 1
            guard mails[name]?.number == number else { continue }
            mails[name] = nil
            forgotten += 1
            return
        }
    }
}
