import Engine
import Greylist
import Programs
import Server
import Storage

extension Plan {
    /// Opens the store: one for both tables where both have the same URL, else a pair.
    func openStore(report: @escaping @Sendable (String) -> Void) throws(Failure) -> any Store {
        stateDirectory.make()
        let backend = Backend(
            keyPrefix: keyPrefix, maintenanceLease: maintenance.interval.components.seconds * 9 / 10,
            syncInterval: syncInterval, now: WallClock.now, report: report)
        do throws(StoreError) {
            let hasAutoWhitelist = postman.terms.rules.clientCount > 0
            return try backend.open(greylist: greylist, autoWhitelist: hasAutoWhitelist ? autoWhitelist : nil)
        } catch {
            throw Failure(error)
        }
    }

    /// Opens the control socket, where there is to be one.
    func openControlSocket() throws(Failure) -> OpenListener? {
        guard let controlSocket else { return nil }
        do throws(ListenError) {
            return try OpenListener.open(controlSocket, backlog: 16).first
        } catch {
            throw Failure(ExitStatus(error.code), "server.control_socket: \(error)")
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
    fileprivate init(_ code: ListenError.Code) {
        switch code {
        case .taken: self = .unavailable
        case .denied: self = .noPermission
        case .cannotCreate: self = .cannotCreate
        case .unusable: self = .configuration
        }
    }
}
