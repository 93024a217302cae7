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
            now: WallClock.now, report: report)
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
            throw Failure(error, of: "server.control_socket")
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
            throw Failure(error)
        }
    }
}

extension Failure {
    /// A listener can't be opened.
    ///
    /// - Parameter setting: that which wants it; nil for those of the policy protocol
    init(_ error: ListenError, of setting: String? = nil) {
        let status: ExitStatus =
            switch error.code {
            case .taken: .unavailable
            case .denied: .noPermission
            case .cannotCreate: .cannotCreate
            case .unusable: .configuration
            }
        self.init(status, (setting.map { "\($0): " } ?? "") + error.description)
    }
}
