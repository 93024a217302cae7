import Programs
import Storage
import TrustedFiles

extension CopyPlan {
    /// Has root become the user whose the databases of the copy are, for good.
    ///
    /// - Returns: that user; nil where the process stays who it is
    func becomeOwner() throws(ProgramError) -> FileUser? {
        let from = try Self.owner(of: source)
        let to = isDryRun ? nil : try Self.owner(of: target)
        guard let user = from ?? to else { return nil }
        if let from, let to, from.user != to.user {
            throw ProgramError(
                .noPermission,
                "\(source) belongs to \(from.name) and \(target) to \(to.name): root copies only between files of one user "
                    + "(copy as one of them, to where both may read)")
        }
        guard user.become() else {
            throw ProgramError(
                .noPermission,
                "the database belongs to \(user.name), and root can't become that user: it needs CAP_SETUID and CAP_SETGID"
            )
        }
        return user
    }

    private static func owner(of endpoint: CopyEndpoint) throws(ProgramError) -> FileUser? {
        do throws(FileError) {
            return try DatabaseOwner.of(endpoint.location)
        } catch {
            throw ProgramError(.noPermission, error.description)
        }
    }
}
