import Glibc
import Programs
import Server

extension ServiceManager {
    /// What this process's service manager told it; its variables are gone from the environment afterwards.
    ///
    /// To be called while there is no other thread, and before the process forks.
    static func take(from environment: [String: String]) throws(ProgramError) -> ServiceManager {
        defer { forgetVariables() }
        do throws(ListenError) {
            return try ServiceManager(environment: environment, process: getpid())
        } catch {
            throw ProgramError(error)
        }
    }

    /// The listeners that it hands over, or where there are none those of the plan.
    ///
    /// - Parameter owner: whom the files of unix sockets are given to; nil to leave them to this process
    func listeners(or plan: Plan, for owner: SocketOwner?) throws(ProgramError) -> [OpenListener] {
        let inherited = sockets.policyListeners(backlog: plan.backlog)
        return if inherited.isEmpty { try plan.openListeners(for: owner) } else { inherited }
    }

    /// Whether the listeners of the settings aren't needed.
    var handsOverListeners: Bool { !sockets.policyListeners(backlog: 1).isEmpty }
}
