extension PageStatus {
    /// The state in one line.
    var line: String {
        switch problems.count {
        case 0: isObserving ? "Only observing: no mail has to wait" : "Everything works"
        case 1: "Degraded: 1 problem"
        default: "Degraded: \(problems.count) problems"
        }
    }

    /// The class of its colour.
    var tone: String { problems.isEmpty ? isObserving ? "observing" : "working" : "degraded" }

    /// How many mails wait, in a sentence; empty where nobody knows.
    var waitingWords: String {
        switch waiting {
        case nil: ""
        case 0: "Nothing is waiting."
        case 1: "1 mail is waiting."
        case .some(let count): "\(count.grouped) mails are waiting."
        }
    }

    /// How long it has been running, in words.
    func running(at now: Int64) -> String { max(0, now - startedAt).roughDuration(roundedUp: false) }
}

extension PageHTML {
    /// Appends how the daemon is.
    mutating func state(_ status: PageStatus, at now: Int64, isAuthorized: Bool) {
        element("section", ["id": "state", "class": status.tone, "aria-label": "State"]) { html in
            html.element("p", ["class": "line", "role": "status"]) { html in
                html.element("span", ["class": "lamp", "aria-hidden": "true"])
                html.element("span", text: status.line)
            }
            html.element("p", ["class": "running"]) { html in
                if !status.waitingWords.isEmpty {
                    html.element("span", text: status.waitingWords)
                    html.text(" ")
                }
                html.text("Running for \(status.running(at: now)), since ")
                html.element("time", ["datetime": status.startedAt.iso8601], text: status.startedAt.dateAndMinute)
                html.text(".")
            }
            if !status.problems.isEmpty { html.problems(status.problems) }
            html.element("dl", ["class": "parts"]) { html in
                for part in status.parts.prefix(Page.problemLimit) { html.part(part, isAuthorized: isAuthorized) }
            }
        }
    }

    private mutating func problems(_ problems: [PageProblem]) {
        element("ul", ["class": "problems"]) { html in
            for problem in problems.prefix(Page.problemLimit) {
                html.element("li") { html in
                    html.element("p", text: problem.sentence)
                    if !problem.remedy.isEmpty { html.element("p", ["class": "remedy"], text: problem.remedy) }
                }
            }
        }
    }

    private mutating func part(_ part: PagePart, isAuthorized: Bool) {
        element("div", ["class": part.condition.rawValue]) { html in
            html.element("dt") { html in
                html.text(part.name)
                if part.condition != .working { html.element("span", ["class": "tag"], text: part.condition.rawValue) }
            }
            html.element("dd") { html in
                html.element("span", text: part.summary)
                if isAuthorized, !part.place.isEmpty { html.element("span", ["class": "sub"], text: part.place) }
            }
        }
    }

    /// Appends what is shown instead of addresses to those who may not see them.
    mutating func access() {
        element("section", ["id": "access", "aria-labelledby": "access-title"]) { html in
            html.element("h2", ["id": "access-title"], text: "Who waits, and why")
            html.element("div", ["class": "empty"]) { html in
                html.element("p", ["class": "what"], text: "Addresses are shown to administrators only")
                html.element("p", text: "Type this on the machine, and open the URL that it prints:")
                html.command(PageCommand("", ["tprtctl", "web"]))
            }
        }
    }

    /// Appends why there is nothing to show.
    mutating func failure(_ error: PageError, _ what: String) {
        switch error {
        case .historyOff:
            empty("The history is off: \(what)", "Set history_db in the section service of tprt.conf to have them.")
        case .unavailable(let message): element("p", ["class": "failure"], text: message)
        }
    }

    /// Appends that there is nothing, and what that means.
    mutating func empty(_ what: String, _ meaning: String) {
        element("div", ["class": "empty"]) { html in
            html.element("p", ["class": "what"], text: what)
            html.element("p", text: meaning)
        }
    }

    /// Appends a command, with a button that copies it where scripts run.
    mutating func command(_ command: PageCommand) {
        element("p", ["class": "command"]) { html in
            html.element("code", text: command.text)
            html.element("button", ["type": "button", "class": "copy"], text: "Copy")
        }
    }

    /// Appends how many more there are than are shown.
    mutating func more<Element>(than list: PageList<Element>, shown: Int, _ hint: String) {
        guard list.total > shown else { return }
        element("p", ["class": "more"], text: "and \((list.total - shown).grouped) more\(hint)")
    }
}
