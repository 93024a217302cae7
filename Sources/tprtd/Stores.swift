import Engine
import Greylist
import LMDBStore
import Server
import Storage

extension Plan {
    /// Opens the store: one for both tables where both have the same URL, else a pair.
    func openStore(report: @escaping @Sendable (String) -> Void) throws(Failure) -> any Store {
        stateDirectory.make()
        if greylist == autoWhitelist || postman.terms.rules.clientCount == 0 { return try open(greylist, report) }
        return PairStore(greylist: try open(greylist, report), autoWhitelist: try open(autoWhitelist, report))
    }

    private func open(
        _ location: StoreLocation, _ report: @escaping @Sendable (String) -> Void
    ) throws(Failure) -> any Store {
        do throws(StoreError) {
            switch location {
            case .memory: return MemoryStore()
            case .lmdb(let path): return try LMDBStore(path: path, at: WallClock.now(), report: report)
            }
        } catch {
            throw Failure(ExitStatus(error.code), error.description)
        }
    }

    /// Opens all listeners, or none.
    func openListeners() throws(Failure) -> [OpenListener] {
        var opened: [OpenListener] = []
        do throws(ListenError) {
            for address in listeners {
                opened += try OpenListener.open(address, backlog: backlog, takesOverStale: takesOverStale)
            }
            return opened
        } catch {
            for listener in opened { listener.close() }
            throw Failure(ExitStatus(error.code), error.description)
        }
    }
}

extension ExitStatus {
    fileprivate init(_ code: StoreError.Code) {
        switch code {
        case .inUse, .unavailable, .corrupt, .writeRefused: self = .unavailable
        case .misconfigured: self = .configuration
        case .denied: self = .noPermission
        case .cannotCreate: self = .cannotCreate
        }
    }

    fileprivate init(_ code: ListenError.Code) {
        switch code {
        case .taken: self = .unavailable
        case .denied: self = .noPermission
        case .cannotCreate: self = .cannotCreate
        case .unusable: self = .configuration
        }
    }
}
