import NIOCore
import Policy
import Storage
import Whitelists

/// The queries that go to the store together, and who asks.
struct Round {
    /// Who asks what.
    struct Asked {
        let connection: Connection
        let request: PolicyRequest
        let entry: Whitelist.Match?
    }

    let number: Int
    let deadline: NIODeadline
    /// Whether it is there to find out if the store is back; then it is a single request.
    let isProbe: Bool
    let asking: [Asked]
}

extension Result<[StoreQuery], StoreError> {
    /// Whether the store did what it could; it need not have judged all.
    var isAnswer: Bool {
        switch self {
        case .success(let queries): queries.contains { $0.judgement != nil || $0.error?.code == .writeRefused }
        case .failure(let fault): fault.code == .writeRefused
        }
    }
}
