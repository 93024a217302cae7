import Programs
import Server

/// What a process holds and lets go of in the end, however it comes to it.
struct Holdings {
    /// The way back to whoever started it; nil in the foreground.
    var background: Background?
    var pidFile: PIDFile?
    /// Sockets that no server has taken over yet.
    var listeners: [OpenListener] = []
    var control: OpenListener?
    /// The way to files out of a chroot; nil where there is none.
    var files: FileClient?

    /// Closes the sockets, and removes what lies in the file system.
    mutating func release() {
        for listener in listeners { listener.close() }
        control?.close()
        (listeners, control) = ([], nil)
        pidFile?.remove { [files] in files?.remove($0) }
        pidFile = nil
    }
}
