/// The kinds of mail of a month at one site.
package enum LaneKind: String, CaseIterable, Sendable {
    /// Organisations that send a mail each day, each time from another sender address, to some regular recipients.
    case notices = "organisations, a mail a day"
    /// Codes of these to recipients who have never had mail of them, from the eleventh day on.
    case earnedCodes = "codes, organisation has earned it"
    /// The same of organisations whose retries are recognised by one network, or by the names of a service's hosts.
    case hostedCodes = "codes, the same, retries known by network or host"
    /// The second code of an organisation that has sent nothing here but the first one, to the same recipient.
    case pairCodes = "codes, known to the recipient"
    /// The first one.
    case newCodes = "codes, new organisation"
    /// Replies of those whom our users wrote to: from the same address, from a colleague, and from a freemail address.
    case replies = "replies, proven"
    /// Replies from hosts without names, for domains without a record.
    case unprovenReplies = "replies, nothing proves them"
    /// Mailing services, each mail with a sender address of its own, each week to the same subscribers; a third of them under
    /// a domain that many customers share.
    case newsletters = "mailing services"
    /// People who write four times: half of them with a host of their own, half by freemail.
    case persons = "people, four mails each"

    /// A domain of the day with a valid record and many hosts; each mail is tried again from its own host.
    case snowshoe = "snowshoe, retries from the same host"
    /// The same, each try from any of the hosts.
    case snowshoePool = "snowshoe, retries from any host"
    /// The same without a queue: two different mails to a recipient, from two hosts.
    case snowshoePairs = "snowshoe, two mails and no queue"
    /// A domain that sends spam each day for two weeks, with a valid record and a queue.
    case agedDomain = "aged domain, two weeks"
    /// A freemail account, often to users who wrote to other freemail addresses.
    case freemailSpam = "freemail account"
    /// A stolen account of an organisation that has earned the fast lane, to strangers.
    case stolenSender = "stolen account of an earned organisation"
    /// Spammers whose addresses a stolen account of our own wrote to, among many.
    case stolenUser = "written to by a stolen account of ours"
    /// Spammers whom a vacation message of ours has answered.
    case vacation = "answered by a vacation message"
    /// Spammers for whom a post of our user was forged, without a login.
    case forgedPost = "post of our user forged, no login"
    /// Bots that forge the addresses of those whom our users wrote to.
    case forgedReplies = "bots, forged replies"
    /// Bots that try once.
    case botOnce = "bots, one try"
    /// Bots in turn: forged senders, `+all`, a /1 pair, `ptr`, generic names.
    case bots = "bots in turn"

    /// Whose mail it is.
    package enum Class: Sendable {
        case good
        /// Spam of senders that could wait.
        case spam
        /// Its mail must never pass.
        case bot
    }

    /// Whose mail it is.
    package var `class`: Class {
        switch self {
        case .notices, .earnedCodes, .hostedCodes, .pairCodes, .newCodes, .replies, .unprovenReplies, .newsletters,
            .persons:
            .good
        case .snowshoe, .snowshoePool, .snowshoePairs, .agedDomain, .freemailSpam, .stolenSender, .stolenUser,
            .vacation, .forgedPost:
            .spam
        case .forgedReplies, .botOnce, .bots: .bot
        }
    }

    /// Whether none of its mails may wait where the DNS answers.
    var neverWaits: Bool { self == .earnedCodes || self == .hostedCodes || self == .replies }

    /// Whether the fast lane must be shut to it.
    var isKeptOut: Bool {
        switch self {
        case .newCodes, .unprovenReplies, .snowshoe, .snowshoePool, .snowshoePairs, .freemailSpam, .vacation,
            .forgedPost, .forgedReplies, .botOnce, .bots:
            true
        case .notices, .earnedCodes, .hostedCodes, .pairCodes, .replies, .newsletters, .persons,
            .agedDomain, .stolenSender, .stolenUser:
            false
        }
    }
}
