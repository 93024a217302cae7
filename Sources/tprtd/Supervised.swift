import Glibc
import Programs
import Server

extension ServiceManager {
    /// What this process's service manager told it; its variables are gone from the environment afterwards.
    ///
    /// To be called while there is no other thread, and before the process forks.
    static func take(from environment: [String: String]) throws(Failure) -> ServiceManager {
        defer { forgetVariables() }
        do throws(ListenError) {
            return try ServiceManager(environment: environment, process: getpid())
        } catch {
            throw Failure(error)
        }
    }

    /// The listeners that it hands over, or where there are none those of the plan.
    func listeners(or plan: Plan, saying say: (String) -> Void) throws(Failure) -> [OpenListener] {
        let inherited = sockets.policyListeners(backlog: plan.backlog)
        guard !inherited.isEmpty else { return try plan.openListeners() }
        say("the service manager hands over where to listen: the sockets of the settings are not opened")
        return inherited
    }
}
