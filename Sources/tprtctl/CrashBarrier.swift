import CProcess
import Glibc
import Programs

/// Has what follows done by a child of this process, so that a database that crashes its reader ends in a sentence.
///
/// LMDB trusts the pages of its files. A look through a file finds what is damaged when it is opened; a file that is
/// truncated or written over while it is read is met without warning.
enum CrashBarrier {
    /// The ends that damaged files bring about.
    private static var crashes: [CInt] { [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP] }

    /// Returns in the child; the parent waits for it, passes signals on to it, and ends as it does.
    ///
    /// Where there can be no child, it is done without.
    ///
    /// - Parameter stores: what is read and written, for the sentence
    static func enter(what stores: String) throws(ProgramError) {
        var status: CInt = 0
        guard tprt_run_in_child(&status) == 1 else { return }
        let signal = status & 0x7f
        if signal == 0 { exit(status >> 8 & 0xff) }
        ProgressBar.wipe()
        throw failure(afterSignal: signal, stores)
    }

    /// What is said of a child that a signal ended.
    static func failure(afterSignal signal: CInt, _ stores: String) -> ProgramError {
        guard !crashes.contains(signal) else {
            return ProgramError(
                .dataError,
                "\(stores): damaged, or changed by somebody else while it was read (signal \(signal)): "
                    + "the copy is not complete")
        }
        return ProgramError(.software, "ended by signal \(signal): the copy is not complete")
    }
}
