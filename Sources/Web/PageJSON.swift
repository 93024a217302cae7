import JSONText

/// The data of the page as JSON, with the words that the page shows: what the script refreshes it by.
///
/// Texts are as they are shown: without control or invisible characters. Times are ISO 8601, UTC.
enum PageJSON {
    /// How the daemon is.
    static func status(_ status: PageStatus, at now: Int64, isAuthorized: Bool) -> JSONValue {
        .object([
            "time": .string(now.iso8601),
            "host": shown(status.host),
            "version": shown(status.version),
            "started_at": .string(status.startedAt.iso8601),
            "started_words": .string(status.startedAt.dateAndMinute),
            "running_words": .string(status.running(at: now)),
            "state": .string(status.tone),
            "line": .string(status.line),
            "waiting": status.waiting.map { .int($0) } ?? .null,
            "waiting_words": .string(status.waitingWords),
            "problems": .array(
                status.problems.prefix(Page.problemLimit).map {
                    .object(["sentence": shown($0.sentence), "remedy": shown($0.remedy)])
                }),
            "parts": .array(
                status.parts.prefix(Page.problemLimit).map { part in
                    .object([
                        "name": shown(part.name), "condition": .string(part.condition.rawValue),
                        "summary": shown(part.summary), "place": isAuthorized ? shown(part.place) : .string(""),
                    ])
                }),
        ])
    }

    /// The last 24 hours.
    static func day(_ day: PageDay) -> JSONValue {
        let chart = PageChart(day)
        return .object([
            "bucket_seconds": .int(Int(day.bucketSeconds)),
            "buckets": .array(
                chart.buckets.map { bucket in
                    .object([
                        "start": .string(bucket.start.iso8601), "passed_at_once": .int(bucket.passedAtOnce),
                        "passed_after_waiting": .int(bucket.passedAfterWaiting), "deferred": .int(bucket.deferred),
                        "words": .string(chart.words(of: bucket)),
                    ])
                }),
            "median_wait_seconds": day.medianWait.map { .int(Int($0)) } ?? .null,
            "first_attempts": .int(day.firstAttempts),
            "never_came_back": .int(day.neverCameBack),
            "figures": .array(
                PageFigure.all(of: day, chart).map { figure in
                    .object([
                        "name": .string(figure.name), "value": .string(figure.value), "note": .string(figure.note),
                        "kind": .string(figure.kind?.rawValue ?? ""),
                    ])
                }),
            "scale": .object(["step": .int(chart.step), "top": .int(chart.top)]),
            "note": .string(chart.note),
            "summary": .string(chart.summary),
        ])
    }

    /// What waits now.
    static func waiting(_ list: PageList<PageWaitingCase>, at now: Int64) -> JSONValue {
        .object([
            "total": .int(list.total),
            "waiting": .array(
                list.elements.prefix(Page.rowLimit).map { one in
                    .object([
                        "first_attempt": moment(one.firstAttempt, one.firstAttempt.words(at: now)),
                        "may_pass_from": moment(one.mayPassFrom, one.mayPassWords(at: now)),
                        "sender": shown(one.sender), "recipient": shown(one.recipient),
                        "client_name": shown(one.clientName), "network": shown(one.network),
                        "organisation": shown(one.organisation), "proof": shown(one.proof),
                        "attempts": .int(one.attempts),
                    ])
                }),
        ])
    }

    /// What was found.
    static func stories(_ list: PageList<PageStory>, of text: String, at now: Int64) -> JSONValue {
        .object([
            "text": shown(text), "total": .int(list.total),
            "stories": .array(list.elements.prefix(Page.storyLimit).map { story($0, at: now) }),
        ])
    }

    private static func story(_ story: PageStory, at now: Int64) -> JSONValue {
        .object([
            "sender": shown(story.sender), "recipient": shown(story.recipient),
            "outcome": .object(["words": .string(story.outcome.words(at: now)), "kind": .string(story.outcome.tone)]),
            "attempts": .array(
                story.attempts.prefix(Page.attemptLimit).map { attempt in
                    .object([
                        "time": moment(attempt.time, attempt.time.words(at: now)),
                        "deferred": .bool(attempt.isDeferral),
                        "reason": shown(attempt.reason), "detail": shown(attempt.detail),
                        "client_name": shown(attempt.clientName), "client_address": shown(attempt.clientAddress),
                        "organisation": shown(attempt.organisation), "proof": shown(attempt.proof),
                    ])
                }),
            "total_attempts": .int(story.totalAttempts),
            "sentences": .array(story.sentences.prefix(Page.sentenceLimit).map(shown)),
            "commands": .array(
                story.shownCommands.map {
                    .object(["purpose": shown($0.purpose), "command": .string($0.text)])
                }),
        ])
    }

    /// The newest earned identities.
    static func identities(_ list: PageList<PageIdentity>, at now: Int64) -> JSONValue {
        .object([
            "total": .int(list.total),
            "identities": .array(
                list.elements.prefix(Page.identityLimit).map { one in
                    .object([
                        "organisation": shown(one.organisation),
                        "earned_at": moment(one.earnedAt, one.earnedAt.words(at: now)), "merit": shown(one.merit),
                    ])
                }),
        ])
    }

    /// Why there are no data.
    static func error(_ code: String, _ message: String) -> JSONValue {
        .object(["error": .object(["code": .string(code), "message": shown(message)])])
    }

    private static func shown(_ text: String) -> JSONValue { .string(visible(text)) }

    private static func moment(_ time: Int64, _ words: String) -> JSONValue {
        .object([
            "time": .string(time.iso8601), "words": .string(words),
            "date": .string(String(time.dateAndSecond.dropLast(3))),
        ])
    }
}
