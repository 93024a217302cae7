/// The mails that are in the queue by now, and what is known of each; at most so many: the oldest are forgotten first.
struct OpenMails<Mail> {
    private struct Entry {
        var mail: Mail
        let number: Int
    }

    private let most: Int
    private var mails: [[UInt8]: Entry] = [:]
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
    mutating func open(_ name: [UInt8], _ mail: Mail) {
        last += 1
        mails[name] = Entry(mail: mail, number: last)
        order.append((name, last))
        while mails.count > most { forgetOldest() }
        if order.count > 2 * most + 64 {
            order = order[oldest...].filter { mails[$0.name]?.number == $0.number }
            oldest = 0
        }
    }

    /// A mail has left the queue.
    mutating func close(_ name: [UInt8]) { mails[name] = nil }

    /// What is known of a mail that is open; nil where none of that name is.
    subscript(name: [UInt8]) -> Mail? { mails[name]?.mail }

    /// Changes what is known of a mail, if it is open.
    mutating func change(_ name: [UInt8], _ body: (inout Mail) -> Void) {
        guard var entry = mails[name] else { return }
        // Not copied: the table has none meanwhile.
        mails[name] = nil
        body(&entry.mail)
        mails[name] = entry
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
