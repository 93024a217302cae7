import NIOConcurrencyHelpers

/// Tells the administrator what he should mend: once, and again when it changes or comes back.
///
/// The clients of all event loops share one, since they all meet the same.
final class Remarks: Sendable {
    private let report: @Sendable (String) -> Void
    private let standing = NIOLockedValueBox<[ServerAddress: String]>([:])

    init(report: @escaping @Sendable (String) -> Void) {
        self.report = report
    }

    /// Reports what is wrong with a server, unless that was the last that was said of it; nil where all is well.
    func set(_ remark: String?, on server: ServerAddress) {
        let last = standing.withLockedValue { standing in
            defer { standing[server] = remark }
            return standing[server]
        }
        if let remark, remark != last { report(remark) }
    }
}
