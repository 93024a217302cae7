extension PageHTML {
    /// Appends what waits now.
    mutating func waiting(_ result: Result<PageList<PageWaitingCase>, PageError>, at now: Int64) {
        element("section", ["id": "waiting", "aria-labelledby": "waiting-title"]) { html in
            html.element("header") { html in
                html.element("h2", ["id": "waiting-title"], text: "Who waits now")
                if case .success(let list) = result, list.total > 0 {
                    html.element("p", ["class": "note"], text: "\(list.total.grouped), oldest first")
                }
            }
            switch result {
            case .failure(let error): html.failure(error, "it knows who waits")
            case .success(let list) where list.elements.isEmpty:
                html.empty("Nothing is waiting", "Every mail that came has passed, or its sender gave up.")
            case .success(let list):
                let shown = list.elements.prefix(Page.rowLimit)
                html.cards(["Sender", "Recipient", "Waiting since", "May pass", "Client", "Identity", "Attempts"]) {
                    html in
                    for one in shown { html.row(one, at: now) }
                }
                html.more(than: list, shown: shown.count, ": tprtctl list waiting")
            }
        }
    }

    private mutating func row(_ one: PageWaitingCase, at now: Int64) {
        element("tr", ["role": "row"]) { html in
            html.cell("Sender") { $0.address(one.sender) }
            html.cell("Recipient") { $0.address(one.recipient) }
            html.cell("Waiting since") { $0.moment(one.firstAttempt, one.firstAttempt.words(at: now)) }
            html.cell("May pass") { $0.moment(one.mayPassFrom, one.mayPassWords(at: now)) }
            html.cell("Client") { $0.client(one.clientName, one.network) }
            html.cell("Identity") { $0.identity(one.organisation, one.proof) }
            html.cell("Attempts", "number") { $0.text(one.attempts.grouped) }
        }
    }

    /// Appends the newest earned identities.
    mutating func identities(_ result: Result<PageList<PageIdentity>, PageError>, at now: Int64) {
        element("section", ["id": "identities", "aria-labelledby": "identities-title"]) { html in
            html.element("header") { html in
                html.element("h2", ["id": "identities-title"], text: "Newest earned identities")
                html.element("p", ["class": "note"], text: "their mail passes at once")
            }
            switch result {
            case .failure(let error): html.failure(error, "it knows what was earned")
            case .success(let list) where list.elements.isEmpty:
                html.empty("None yet", "An organisation earns it with mail accepted on several days.")
            case .success(let list):
                let shown = list.elements.prefix(Page.identityLimit)
                html.cards(["Organisation", "Earned", "By"]) { html in
                    for one in shown {
                        html.element("tr", ["role": "row"]) { html in
                            html.cell("Organisation") { $0.address(one.organisation) }
                            html.cell("Earned") { $0.moment(one.earnedAt, one.earnedAt.words(at: now)) }
                            html.cell("By") { $0.prose(one.merit) }
                        }
                    }
                }
                html.more(than: list, shown: shown.count, ": tprtctl list earned")
            }
        }
    }

    /// Appends a table whose rows become cards where there is little room.
    ///
    /// That takes the meaning of a table away from some browsers, so the roles say it again.
    mutating func cards(_ heads: [String], _ rows: (inout PageHTML) -> Void) {
        element("table", ["role": "table", "class": "cards"]) { html in
            html.element("thead", ["role": "rowgroup"]) { html in
                html.element("tr", ["role": "row"]) { html in
                    for head in heads {
                        html.element("th", ["role": "columnheader", "scope": "col"], text: head)
                    }
                }
            }
            html.element("tbody", ["role": "rowgroup"], rows)
        }
    }

    /// Appends a cell of such a table, with the name that it has on a card.
    mutating func cell(_ name: String, _ kind: String = "", _ content: (inout PageHTML) -> Void) {
        element("td", ["role": "cell", "class": kind, "data-name": name], content)
    }

    /// Appends who a client is.
    mutating func client(_ name: String, _ network: String) {
        element("span", ["class": "main"]) { html in
            if name.isEmpty { html.text("unknown") } else { html.foreign(name) }
        }
        element("span", ["class": "sub"]) { $0.foreign(network) }
    }

    /// Appends by what it is known.
    mutating func identity(_ organisation: String, _ proof: String) {
        guard !organisation.isEmpty else {
            element("span", ["class": "none"], text: "its network")
            return
        }
        element("span", ["class": "main"]) { $0.address(organisation) }
        guard !proof.isEmpty else { return }
        element("span", ["class": "sub"]) { html in
            html.text("by ")
            html.text(proof)
        }
    }
}

extension PageWaitingCase {
    /// When it may pass, in words.
    func mayPassWords(at now: Int64) -> String { mayPassFrom <= now ? "at its next try" : mayPassFrom.words(at: now) }
}
