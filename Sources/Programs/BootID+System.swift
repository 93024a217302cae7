import Glibc
public import Storage

extension BootID {
    /// This boot, as the service manager says in `BOOT_ID`, else as the kernel does; nil where neither does.
    ///
    /// A unit with `ProcSubset=pid` hides the kernel's file, and a chroot has none: ask before.
    public static func current(
        environment: [String: String], kernelFile: String = "/proc/sys/kernel/random/boot_id"
    ) -> BootID? {
        environment["BOOT_ID"].flatMap { BootID($0.utf8) } ?? BootID(kernelFile: kernelFile)
    }

    private init?(kernelFile path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes.removeLast(bytes.count - max(0, read(descriptor, &bytes, bytes.count)))
        self.init(bytes.prefix { $0 != UInt8(ascii: "\n") })
    }
}
