import NIOConcurrencyHelpers

/// Tells the administrator what to fix: once, and again when it changes or comes back.
///
/// The clients of all event loops share one, since they all meet the same.
final class WarningReporter: Sendable {
    private let report: @Sendable (String) -> Void
    private let standing = NIOLockedValueBox<[ServerAddress: String]>([:])

    init(report: @escaping @Sendable (String) -> Void) {
        self.report = report
    }

    /// Reports what is wrong with a server, unless that was the last that was said of it; nil where all is well.
    func set(_ warning: String?, on server: ServerAddress) {
        let last = standing.withLockedValue { standing in
            defer { standing[server] = warning }
            return standing[server]
        }
        if let warning, warning != last { report(warning) }
    }
}
