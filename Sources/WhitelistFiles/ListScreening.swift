import Greylist
import Whitelists

/// What is said of an entry of a list that knows nothing of `allow_wide`, before it is taken.
struct ListScreening {
    let options: SourceOptions

    /// Refuses what the site doesn't allow.
    ///
    /// - Returns: what is to be said of it though it is taken; nil for nothing
    func check(_ condition: Condition, _ effect: WhitelistEntry.Effect) throws(EntryError) -> String? {
        guard options.allowsPatterns || !condition.hasExpression else {
            throw EntryError("regular expressions are off (service.allow_wl_regex turns them on)")
        }
        guard effect == .pass, !options.allowsWide else { return nil }
        if let width = condition.tooWide { throw EntryError(width) }
        return condition.publicSuffix(among: options.suffixes)
    }
}

extension Condition {
    fileprivate var hasExpression: Bool {
        switch self {
        case .pattern: true
        case .all(let parts), .any(let parts): parts.contains(where: \.hasExpression)
        case .not(let part): part.hasExpression
        default: false
        }
    }
}
