import Greylist
import Whitelists

/// A row of a foreign table, and what it becomes.
struct TableRow {
    let table: ForeignTable
    let fields: DelimitedText
    /// Where the columns of the table lie.
    let places: [Int]

    /// Whether it looks like a row of this table: its times are times.
    var hasForm: Bool {
        switch table {
        case .connect: hasTime(4) && !hasTime(3)
        case .fromAWL: hasTime(3) && hasTime(4)
        case .domainAWL: hasTime(2) && hasTime(3)
        case .optinEmail, .optoutEmail: read(0) { $0.firstIndex(of: UInt8(ascii: "@")) != nil }
        case .optinDomain, .optoutDomain: read(0) { $0.firstIndex(of: UInt8(ascii: "@")) == nil }
        case .gldGreylist: hasTime(3) && hasTime(4)
        case .iredapdTracking: hasTime(3)
        case .cbpolicydTracking: hasTime(3) && hasTime(4)
        case .cbpolicydAutoWhitelist: hasTime(1) && hasTime(2)
        case .gldWhitelist, .iredapdWhitelists, .cbpolicydWhitelist: true
        }
    }

    /// Hands over what the row says.
    func take(into outlet: inout Outlet) {
        switch table {
        case .connect: takeConnect(&outlet)
        case .fromAWL: takePass(client: 2, first: 3, last: 4, &outlet)
        case .domainAWL: takePass(client: 1, first: 2, last: 3, &outlet)
        case .optinEmail, .optoutEmail, .optinDomain, .optoutDomain: takeChoice(&outlet)
        case .gldGreylist: takeGLD(&outlet)
        case .gldWhitelist:
            takeCondition(&outlet, comment: 1) { row in row.read(0) { ListedCondition.gld($0) } }
        case .iredapdTracking: takeIRedAPD(&outlet)
        case .iredapdWhitelists:
            takeCondition(&outlet, comment: 2) { row in
                row.read(0) { account in row.read(1) { ListedCondition.iredapd(account: account, sender: $0) } }
            }
        case .cbpolicydTracking: takeCBPolicyd(&outlet)
        case .cbpolicydWhitelist:
            if !fields.isSame(places[2], as: "0") { return outlet.skip() }
            takeCondition(&outlet, comment: 1) { row in row.read(0) { ListedCondition.cbpolicyd($0) } }
        case .cbpolicydAutoWhitelist: takePass(client: 0, first: 1, last: 2, &outlet)
        }
    }

    // MARK: Columns

    private func read<Result>(_ column: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        fields.read(places[column], body)
    }

    private func time(_ column: Int, _ options: ImportOptions) -> Timestamp? {
        read(column) { TimeText.read($0, utcOffset: options.utcOffset) }
    }

    private func hasTime(_ column: Int) -> Bool {
        read(column) { TimeText.read($0, utcOffset: 0) } != nil
    }

    private func number(_ column: Int) -> Int64? { read(column) { $0.integer } }

    /// An address or network, with the tag of cbpolicyd before it perhaps.
    private func client(_ column: Int) -> Network? {
        read(column) { text in
            let start = text.starts(with: "senderip:") ? 9 : 0
            return ClientText.opened(text.extracting(start..<text.count))
        }
    }

    private func takeTriplet(
        client: Int, sender: Int, recipient: Int, _ times: ImportedTimes?, _ outlet: inout Outlet
    ) {
        guard let network = self.client(client) else { return outlet.leaveOut(.address, read(client) { shown($0) }) }
        guard let times else { return outlet.leaveOut(.time) }
        read(sender) { sender in
            read(recipient) { recipient in
                outlet.take(
                    client: network, sender: sender.extracting(sender.withoutBrackets),
                    recipient: recipient.extracting(recipient.withoutBrackets), times: times)
            }
        }
    }

    // MARK: sqlgrey

    /// A first attempt; the sender stands in two columns, each `-undef-` where it has none.
    private func takeConnect(_ outlet: inout Outlet) {
        guard let network = client(2) else { return outlet.leaveOut(.address, read(2) { shown($0) }) }
        guard let first = time(4, outlet.options) else { return outlet.leaveOut(.time) }
        let times = ImportedTimes(first: first, last: first, hasPassed: false)
        var sender: [UInt8] = []
        read(0) { if !$0.isSame(as: "-undef-") { sender.append(copying: $0) } }
        read(1) { domain in
            guard !domain.isSame(as: "-undef-"), domain.count > 0 else { return }
            sender.append(UInt8(ascii: "@"))
            sender.append(copying: domain)
        }
        read(3) { outlet.take(client: network, sender: sender.span, recipient: $0, times: times) }
    }

    /// A client that has passed with one sender, or those of a domain: one count of it.
    private func takePass(client column: Int, first: Int, last: Int, _ outlet: inout Outlet) {
        guard let network = client(column) else { return outlet.leaveOut(.address, read(column) { shown($0) }) }
        guard let first = time(first, outlet.options), let last = time(last, outlet.options) else {
            return outlet.leaveOut(.time)
        }
        outlet.take(ImportedClient(client: network, count: .one, first: first, last: last))
    }

    /// Recipients who want to be greylisted, and those who don't.
    private func takeChoice(_ outlet: inout Outlet) {
        let isDomain = table == .optinDomain || table == .optoutDomain
        let isOut = table == .optoutEmail || table == .optoutDomain
        let condition = read(0) { isDomain ? ListedCondition.recipientDomain($0) : ListedCondition.recipient($0) }
        guard let condition else { return outlet.leaveOut(.condition, read(0) { shown($0) }) }
        outlet.take(condition, effect: isOut ? .pass : .greylist)
    }

    // MARK: Others

    private func takeGLD(_ outlet: inout Outlet) {
        let (first, last) = (time(3, outlet.options), time(4, outlet.options))
        var times: ImportedTimes?
        if let first, let last {
            // gld lets pass what comes after more than its delay.
            let hasPassed = last.since(first) > outlet.options.gldDelay
            times = ImportedTimes(first: first, last: last, hasPassed: hasPassed)
        }
        takeTriplet(client: 0, sender: 1, recipient: 2, times, &outlet)
    }

    private func takeIRedAPD(_ outlet: inout Outlet) {
        let (first, allowed) = (time(3, outlet.options), time(4, outlet.options))
        let isPassed = number(6)
        var times: ImportedTimes?
        if let first, let allowed, let isPassed {
            // The last use isn't kept, but when the entry ends: 30 days after it.
            let end = time(5, outlet.options) ?? allowed
            let last = max(allowed, min(outlet.options.taken, Timestamp(seconds: end.seconds - 30 * 86_400)))
            times = ImportedTimes(first: first, last: isPassed > 0 ? last : first, hasPassed: isPassed > 0)
        }
        takeTriplet(client: 2, sender: 0, recipient: 1, times, &outlet)
    }

    private func takeCBPolicyd(_ outlet: inout Outlet) {
        var times: ImportedTimes?
        if let first = time(3, outlet.options), let last = time(4, outlet.options), let passes = number(5) {
            times = ImportedTimes(first: first, last: last, hasPassed: passes > 0)
        }
        takeTriplet(client: 0, sender: 1, recipient: 2, times, &outlet)
    }

    private func takeCondition(
        _ outlet: inout Outlet, comment: Int, _ condition: (TableRow) -> ListedCondition.Result
    ) {
        switch condition(self) {
        case .condition(let condition):
            let comment = read(comment) { $0.count > 0 && !$0.isSame(as: "NULL") ? $0.text : nil }
            outlet.take(condition, comment: comment)
        case .leftOut(let reason): outlet.leaveOut(reason, read(0) { shown($0) })
        }
    }
}

extension Span<UInt8> {
    /// The place of an address without the angle brackets around it.
    var withoutBrackets: Range<Int> {
        guard count >= 2, self[0] == UInt8(ascii: "<"), self[count - 1] == UInt8(ascii: ">") else { return 0..<count }
        return 1..<count - 1
    }
}
