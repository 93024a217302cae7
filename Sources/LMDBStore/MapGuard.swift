import CMapGuard
import Glibc

/// Has reads of a mapped file go on where somebody truncates it, and knows that it happened.
///
/// LMDB doesn't say where it has mapped its files; the kernel does. Where `/proc` isn't there the file goes unguarded.
struct MapGuard: ~Copyable {
    private let slots: [CInt]

    /// Guards all maps that this process has of the file.
    init(of path: String) {
        slots = Self.ranges(of: path).map {
            tprt_guard_add(UnsafeRawPointer(bitPattern: $0.lowerBound), Int($0.upperBound - $0.lowerBound))
        }
    }

    deinit {
        for slot in slots { tprt_guard_remove(slot) }
    }

    /// Whether anything was read that isn't there: what came of it is worth nothing.
    var hasFired: Bool {
        slots.contains { tprt_guard_has_fired($0) != 0 }
    }

    /// Lines of `/proc/self/maps` are `START-END RIGHTS OFFSET DEVICE INODE   PATH`.
    private static func ranges(of path: String) -> [Range<UInt>] {
        var status = stat()
        guard stat(path, &status) == 0, let maps = read("/proc/self/maps") else { return [] }
        // Not the device: some file systems show another one here than to stat(2).
        let (inode, name) = ("\(status.st_ino)", path.split(separator: "/").last ?? "")
        return maps.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, fields[4] == inode, fields[5].hasSuffix(name) else { return nil }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { return nil }
            return ends[0]..<ends[1]
        }
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
