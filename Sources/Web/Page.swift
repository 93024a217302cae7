/// The page that administrators look at, and the JSON that refreshes it.
///
/// It decides nothing about access and sets no headers but the type: that is the server's, which says for each request
/// whether it may see addresses. A value; it may be used from any task.
public struct Page: Sendable {
    /// How many mails that wait, or earned identities, are shown.
    public static let rowLimit = 200
    /// How many stories a search shows.
    public static let storyLimit = 20
    /// How many attempts of a story are shown.
    public static let attemptLimit = 50
    /// How many pieces of the last 24 hours are shown.
    public static let bucketLimit = 96
    /// How long a text to search for may be, in bytes.
    public static let searchLimit = 512

    let source: PageSource

    /// A page that shows what `source` says.
    public init(_ source: PageSource) {
        self.source = source
    }
}
