import Bytes
import FileCalls
import SystemPackage

/// Which boot of the machine this is.
///
/// What a process had written when it was killed is still in the kernel's memory; what the machine had written when it
/// went down may be lost in part. The same ID before and after tells that it was the process alone.
public struct BootID: Equatable, Sendable {
    /// 32 hexadecimal digits in lower case.
    let digits: [UInt8]

    /// The longest spelling, in bytes: that of a UUID.
    static let longestSpelling = 36

    /// The ID as systemd spells it (32 hexadecimal digits) or as the kernel does (a UUID); nil where this is neither, or
    /// all digits are 0.
    public init?(_ spelling: some Collection<UInt8>) {
        let parts = spelling.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard [[32], [8, 4, 4, 4, 12]].contains(parts.map(\.count)) else { return nil }
        digits = parts.joined().map(\.lowercased)
        guard digits.allSatisfy(\.isHexadecimal), digits.contains(where: { $0 != UInt8(ascii: "0") }) else {
            return nil
        }
    }
}

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
        let options: FileDescriptor.OpenOptions = [.closeOnExec, .noControllingTerminal]
        guard let file = try? FileDescriptor.open(path, .readOnly, options: options) else { return nil }
        defer { try? file.close() }
        guard let bytes = try? file.readToEnd(limit: Self.longestSpelling) else { return nil }
        self.init(bytes.prefix { $0 != UInt8(ascii: "\n") })
    }
}
