import Glibc
import Programs
import TrustedFiles

extension SettingSources {
    /// Refuses configuration files that another user than root can change, where root is to do what they say.
    ///
    /// They name the files that root makes and opens, and whom it becomes.
    func refuseFilesOfOthers() throws(ProgramError) {
        guard geteuid() == 0 else { return }
        for file in files {
            do throws(FileError) {
                let reach = try FileReach(file)
                let place = try FilePlace(reach)
                let others = reach.user.map { "\($0.name) may change it" }
                let owner = place.owner == 0 ? nil : "it belongs to \(FileUser.name(of: place.owner))"
                let mode = place.isWritableByOthers ? "others than root may write to it" : nil
                guard let complaint = others ?? owner ?? mode else { continue }
                throw FileError(file, EPERM, sentence: complaint)
            } catch {
                throw ProgramError(
                    .noPermission,
                    "\(file): \(error.sentence), and root would do what it says: give it and its directory to root "
                        + "(chown root, chmod go-w)")
            }
        }
    }
}
