extension PageHTML {
    /// Appends what was found: a story for each mail.
    mutating func stories(_ result: Result<PageList<PageStory>, PageError>, of text: String, at now: Int64) {
        element("section", ["id": "found", "aria-labelledby": "found-title"]) { html in
            html.element("header") { html in
                html.element("h2", ["id": "found-title"]) { html in
                    html.text("Search for ")
                    html.foreign(text)
                }
                html.element("p", ["class": "note"]) { html in
                    if case .success(let list) = result, list.total > 0 {
                        html.text("\(list.total.grouped) \(list.total == 1 ? "mail" : "mails"), newest first. ")
                    }
                    html.element("a", ["href": "/"], text: "Back to all")
                }
            }
            switch result {
            case .failure(let error): html.failure(error, "it knows mails and their stories")
            case .success(let list) where list.elements.isEmpty:
                html.empty(
                    "Nothing was found",
                    "Try a part of the address, such as its domain. Mail that was always known leaves no story, and the history forgets."
                )
            case .success(let list):
                let shown = list.elements.prefix(Page.storyLimit)
                for story in shown { html.story(story, at: now) }
                html.more(than: list, shown: shown.count, ": search for more of the address")
            }
        }
    }

    private mutating func story(_ story: PageStory, at now: Int64) {
        element("article", ["class": "story"]) { html in
            html.element("h3") { html in
                html.address(story.sender)
                html.element("span", ["class": "arrow"], text: " to ")
                html.address(story.recipient)
            }
            html.element("p", ["class": "outcome \(story.outcome.tone)"], text: story.outcome.words(at: now))
            html.cards(["Time", "Decision", "Client", "Identity"]) { html in
                for attempt in story.attempts.prefix(Page.attemptLimit) { html.row(attempt, at: now) }
            }
            let more = story.totalAttempts - min(story.attempts.count, Page.attemptLimit)
            if more > 0 { html.element("p", ["class": "more"], text: "and \(more.grouped) more") }
            if !story.sentences.isEmpty {
                html.element("ul", ["class": "sentences"]) { html in
                    for sentence in story.sentences.prefix(Page.sentenceLimit) {
                        html.element("li") { $0.prose(sentence) }
                    }
                }
            }
            html.element("dl", ["class": "commands"]) { html in
                for command in story.shownCommands {
                    html.element("dt", text: command.purpose)
                    html.element("dd") { $0.command(command) }
                }
            }
        }
    }

    private mutating func row(_ attempt: PageAttempt, at now: Int64) {
        element("tr", ["role": "row"]) { html in
            html.cell("Time") { html in
                html.element(
                    "time", ["class": "main", "datetime": attempt.time.iso8601], text: attempt.time.dateAndSecond)
                html.element("span", ["class": "sub"], text: attempt.time.words(at: now))
            }
            html.cell("Decision") { html in
                html.element("span", ["class": attempt.isDeferral ? "main verdict deferred" : "main verdict passed"]) {
                    html in
                    html.text(attempt.isDeferral ? "deferred: " : "passed: ")
                    html.text(attempt.reason)
                }
                if !attempt.detail.isEmpty { html.element("span", ["class": "sub"]) { $0.prose(attempt.detail) } }
            }
            html.cell("Client") { $0.client(attempt.clientName, attempt.clientAddress) }
            html.cell("Identity") { $0.identity(attempt.organisation, attempt.proof) }
        }
    }
}

extension PageStory {
    /// The commands that are shown: not those that are too long to be typed.
    var shownCommands: [PageCommand] {
        commands.prefix(Page.sentenceLimit).filter { $0.text.utf8.count <= Page.commandLimit }
    }
}

extension PageStory.Outcome {
    /// What became of the mail, in a sentence.
    func words(at now: Int64) -> String {
        switch self {
        case .waiting(let time) where time <= now: "Waiting: passes at its next try"
        case .waiting(let time): "Waiting: may pass \(time.words(at: now)), from \(time.dateAndMinute)"
        case .passed(let time, 0): "Passed at once, \(time.words(at: now))"
        case .passed(let time, let wait): "Passed \(time.words(at: now)), after \(wait.duration)"
        case .neverCameBack: "Never came back: its sender didn't try again in time"
        }
    }

    /// The class of its colour.
    var tone: String {
        switch self {
        case .waiting: "waited"
        case .passed: "once"
        case .neverCameBack: "deferred"
        }
    }
}
